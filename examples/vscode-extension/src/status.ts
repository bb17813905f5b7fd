import { MarkdownString, ThemeColor, type StatusBarItem } from 'vscode'
import type { ClientStats, WatchSnapshot } from 'kindly-guard-ipc/client'
import { countsText, forHover } from './text'

export function show(item: StatusBarItem, color: string, ...lines: string[]) {
  item.tooltip = new MarkdownString(lines.join('\n\n'))
  item.backgroundColor = new ThemeColor(`statusBarItem.${color}Background`)
}

/** @returns how things are, and what to do about what is missing */
export function showState(
  item: StatusBarItem,
  { counts, lost, state: { transport, writer, reason } }: WatchSnapshot,
  { errors, latency: { p50 } }: ClientStats
) {
  const name = transport === 'connecting' ? transport : `${transport} ${writer}`
  const isWell = name.endsWith(' live')
  // Why the ring is not read by now, and not when WebSocket took its place.
  const why = (name === 'websocket live' && errors.shm?.message) || reason
  const latency = p50 === null ? '' : ` · ${(p50 / 1000).toFixed(2)} ms`
  const total = counts.total.toLocaleString('en')
  item.text = `$(${isWell ? 'shield' : 'warning'}) ${name} · ${total}${latency}`
  item.accessibilityInformation = { label: `${name}, ${total}, ${why}` }
  show(
    item,
    counts.bySeverity.Critical > 0 ? 'error' : isWell ? '' : 'warning',
    `**Kindly Guard: ${name}**`,
    forHover(why),
    `${countsText(counts.bySeverity) || 'No threats'}; ${lost.count.toLocaleString('en')} lost`
  )
  return `${name}: ${why}`
}
