import { EventEmitter, ThemeColor, ThemeIcon } from 'vscode'
import type { TreeDataProvider, TreeItem } from 'vscode'
import type { Threat, WatchSnapshot } from 'kindly-guard-ipc/client'
import { forLabel, SEVERITIES, threatHover } from './text'

const ICONS: Record<string, ThemeIcon> = {
  Critical: new ThemeIcon('error', new ThemeColor('list.errorForeground')),
  High: new ThemeIcon('warning', new ThemeColor('list.warningForeground'))
}

/** The newest threats, below the names of their severities. */
export class ThreatTree implements TreeDataProvider<string | Threat> {
  readonly #changed = new EventEmitter<void>()
  readonly onDidChangeTreeData = this.#changed.event
  #threats: Threat[] = []
  #counts: Record<string, number> = {}

  show({ counts, threats }: WatchSnapshot) {
    this.#threats = threats
    this.#counts = counts.bySeverity
    this.#changed.fire()
  }

  getChildren(parent?: string | Threat) {
    return parent === undefined
      ? SEVERITIES.filter((name) => this.#counts[name] > 0)
      : this.#threats.filter(({ severity }) => severity === parent).reverse()
  }

  getTreeItem(node: string | Threat): TreeItem {
    if (typeof node !== 'string') {
      const label = `${node.threatType} in ${forLabel(node.source)}`
      return { label, description: forLabel(node.details) }
    }
    const iconPath = ICONS[node] ?? new ThemeIcon('circle-outline')
    const description = this.#counts[node].toLocaleString('en')
    const collapsibleState = ICONS[node] ? 2 : 1 // Expanded, Collapsed
    return { id: node, label: node, description, iconPath, collapsibleState }
  }

  /** A tooltip is made when it is asked for. */
  resolveTreeItem(item: TreeItem, node: string | Threat) {
    item.tooltip = typeof node === 'string' ? node : threatHover(node)
    return item
  }
}
