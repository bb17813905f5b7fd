import { commands, Uri, window, workspace, type ExtensionContext } from 'vscode'
import { createClient, type IpcClient } from 'kindly-guard-ipc/client'
import type * as ipc from 'kindly-guard-ipc/client'
import { show, showState } from './status'
import { countsText, forHover, forLabel, forOutput, SEVERITIES } from './text'
import { ThreatTree } from './tree'

// What shows threats has a pace of its own each.
const [STATUS_MS, LIST_MS, MESSAGE_MS] = [100, 500, 2000]
const LOGGED = 20 // of one update of the list

export let deactivate = async () => {}

export function activate({ subscriptions, ...context }: ExtensionContext) {
  const folder = context.storageUri ?? context.globalStorageUri
  const file = Uri.joinPath(folder, 'position.json').fsPath
  // In that language nothing is a link, whatever it looks like.
  const output = window.createOutputChannel('Kindly Guard', 'kindly-guard')
  const status = window.createStatusBarItem('kindlyGuard', 1)
  const tree = new ThreatTree()
  const view = window.createTreeView('kindlyGuard', { treeDataProvider: tree })
  let client: IpcClient | undefined
  const watches: ipc.Watch[] = []
  let notified: string[] = []
  let counted: Record<string, number> = {} // by the message before
  let said = ''
  let turn = Promise.resolve()

  const log = (text: string) =>
    output.appendLine(`${new Date().toISOString()} ${forOutput(text)}`)

  /** As they are: the library checks them, and names the one that is wrong. */
  const settings = (prefix: string, ...names: string[]) => {
    const all = workspace.getConfiguration('kindlyGuard')
    const given = names.map((name) => [name, all.get<any>(prefix + name)])
    return Object.fromEntries(given.filter(([, value]) => value !== ''))
  }

  function savePosition() {
    // What no message has told yet is left to the next window.
    if (watches[2]?.snapshot().added > 0) return
    try {
      client?.savePosition(file)
    } catch (error: any) {
      log(error.message)
    }
  }

  function showStatus(snapshot: ipc.WatchSnapshot) {
    const state = showState(status, snapshot, client!.stats())
    if (state !== said) log((said = state))
    view.badge = { value: Math.min(snapshot.counts.total, 999), tooltip: 'New' }
  }

  function showList(snapshot: ipc.WatchSnapshot) {
    tree.show(snapshot)
    const { added, threats } = snapshot
    const fresh = threats.slice(threats.length - Math.min(added, LOGGED))
    for (const { severity, threatType, source, details } of fresh) {
      log(`${severity} ${threatType} in ${source}: ${details}`)
    }
    savePosition()
  }

  async function showMessage({ added, counts, threats }: ipc.WatchSnapshot) {
    if (added === 0) return
    const many = countsText(counts.bySeverity, notified, counted)
    counted = counts.bySeverity
    savePosition()
    const { source, details } = threats[threats.length - 1]
    const text = `${many}: ${forLabel(`${source}: ${details}`)}`
    const chosen = await window.showWarningMessage(text, 'Show Threats')
    if (chosen) await commands.executeCommand('kindlyGuard.show')
  }

  /** Counts from now on, with an empty list. */
  function begin() {
    watches.splice(0).forEach((watch) => watch.dispose())
    const { keep, minSeverity } = settings('', 'keep', 'minSeverity')
    const least = `${minSeverity}` as 'Low' // a number has no name to be told by
    const add = (given: object, tell: (_: ipc.WatchSnapshot) => unknown) =>
      watches.push(client!.watch(given).on('update', tell))
    add({ everyMs: STATUS_MS, keep: 0 }, showStatus)
    add({ everyMs: LIST_MS, keep }, showList)
    if (minSeverity === 'none') return
    add({ everyMs: MESSAGE_MS, keep: 1, minSeverity: least }, showMessage)
    notified = SEVERITIES.slice(0, SEVERITIES.indexOf(least) + 1)
    counted = {}
  }

  async function open() {
    try {
      client = await createClient({
        ...settings('', 'dir', 'name', 'latency'),
        websocket: settings('websocket.', 'enabled', 'url', 'tokenFile'),
        from: 'oldest',
        after: { file }
      })
      begin()
    } catch (error: any) {
      await deactivate()
      log((said = `Correct the settings: ${error.message}`))
      status.text = '$(error) Kindly Guard'
      show(status, 'error', forHover(said))
    }
  }

  deactivate = async () => {
    // The editor does not wait for it before it disposes of the rest.
    savePosition()
    watches.splice(0).forEach((watch) => watch.dispose())
    const closed = client?.close()
    client = undefined
    await closed
  }

  /** One after the other, however often it is asked for. */
  const reconnect = () => (turn = turn.then(() => deactivate()).then(open))

  const report = async (value: object) => {
    const content = JSON.stringify(value, null, 2)
    await window.showTextDocument(await workspace.openTextDocument({ content }))
  }
  const run = {
    show: () => commands.executeCommand('kindlyGuard.focus'),
    clear: () => client && begin(),
    reconnect,
    diagnose: () => report({ said, stats: client?.stats() }),
    latency: () => report({ 'µs to this host': client?.stats().latency })
  }
  for (const [name, command] of Object.entries(run)) {
    subscriptions.push(commands.registerCommand(`kindlyGuard.${name}`, command))
  }
  const settingsChange = workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration('kindlyGuard')) void reconnect()
  })
  subscriptions.push(output, settingsChange, status, view)
  status.command = 'kindlyGuard.show'
  status.show()
  void reconnect()
}
