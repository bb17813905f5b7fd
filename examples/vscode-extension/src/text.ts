import { MarkdownString } from 'vscode'
import { displayText, type Threat } from 'kindly-guard-ipc/client'

/** The worst first. */
export const SEVERITIES = ['Critical', 'High', 'Medium', 'Low', 'Unknown']

type Display = Parameters<typeof displayText>[1]
const textFor = (how: Display) => (text: string) => displayText(text, how)
/** For labels, messages and the status bar, which know links and icons. */
export const forLabel = textFor({ for: 'notification', limit: 120 })
export const forHover = textFor({ for: 'markdown', limit: 1000 })
export const forOutput = textFor({ for: 'terminal', limit: 1000 })

type Counts = Record<string, number>
/** `1 Critical, 2 High`: of these severities, what came since `before`. */
export const countsText = (now: Counts, names = SEVERITIES, before?: Counts) =>
  names
    .map((name) => ({ name, count: now[name] - (before?.[name] ?? 0) }))
    .filter(({ count }) => count > 0)
    .map(({ name, count }) => `${count.toLocaleString('en')} ${name}`)
    .join(', ')

/** All that is known of a threat. */
export function threatHover(threat: Threat) {
  const time = `${new Date(threat.timestampUs / 1000)}`
  const lines = Object.entries({ time, ...threat }).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `**${name}** ${forHover(text)}`
  })
  return new MarkdownString(lines.join('\n\n'))
}
