'use strict'
// Text of an attacker's in each place where it is shown.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { marked } = require('marked')
const { displayText } = require('../../lib/index.js')
const { anyText } = require('../helpers/any-text.js')

// How VS Code finds icons and links in messages, and icons in Markdown.
const ICON = /\$\([A-Za-z0-9-]+(?:~[A-Za-z]+)?\)/
const LINK = /\[[^\]]+\]\((?:https?:\/\/|command:|file:)[^)\s]+/i

const PLACES = ['plain', 'terminal', 'markdown', 'notification']

// What is special somewhere, and hides among other text.
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['[a](command:x)', '![](http://a.b/c)', '$(zap)', '$(sync~spin)'],
        ...['<img src=x onerror=y>', '<b>', '&lt;', '&#36;(zap)', '`', '```'],
        ...['http://a.b', 'www.a.b', 'a@b.c', '\n', '\n\n', '    ', '\t', '> '],
        ...['# ', '1. ', '- ', '* ', '|a|b|', '---', '***', '~~', '[x]: y'],
        ...[
          '\u202e',
          '\u200b',
          '\x1b[31m',
          '\x9b',
          '\ud800',
          '\u{e0041}',
          '\\'
        ],
        ...[' ', '  ', '\u0301'.repeat(20), '\ufe0f', '\u3164', ']', '(', '$']
      ),
      anyText({ maxLength: 5 })
    ),
    { maxLength: 12 }
  )
  .map((parts) => parts.join(''))

/** The text of what Markdown makes of something. */
const render = (markdown) => marked.parse(markdown, { gfm: true, async: false })

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"' }

// In one pass, as a browser does it: what comes out is not looked at again.
const decode = (html) =>
  html.replace(/&(?:#(\d+)|(\w+));/g, (_, number, name) =>
    number === undefined ? ENTITIES[name] : String.fromCodePoint(Number(number))
  )

describe('displayText', () => {
  it('leaves text that is plain as it is', () => {
    const text = 'File: src/main.ts (line 3), "Käse" Ω 漢字 नमस्ते 🙂'
    assert.equal(displayText(text), text)
    assert.equal(displayText(text, { for: 'terminal' }), text)
    assert.equal(displayText(text, { for: 'notification' }), text)
  })

  for (const [what, text, shown] of [
    ['a bidi override', 'a\u202eb', 'a\\u{202e}b'],
    ['a zero-width space', 'a\u200bb', 'a\\u{200b}b'],
    ['a tag', '\u{e0041}', '\\u{e0041}'],
    ['a control', '\x1b[31m\x9b', '\\x1b[31m\\x9b'],
    ['the end of a line', 'a\r\nb\tc', 'a\\r\\nb\\tc'],
    ['a line separator', '\u2028', '\\u{2028}'],
    ['half a character', '\ud800', '\\u{d800}'],
    ['a space that is another one', '\u00a0\u3000', '\\u{a0}\\u{3000}'],
    [
      'what fills a place and shows nothing',
      '\u3164\u2800',
      '\\u{3164}\\u{2800}'
    ],
    ['a backslash', '\\u{202e}', '\\\\u{202e}'],
    [
      'the ninth mark on a letter',
      `e${'\u0301'.repeat(9)}`,
      `e${'\u0301'.repeat(8)}\\u{301}`
    ]
  ]) {
    it(`spells out ${what}`, () => {
      assert.equal(displayText(text), shown.replace('\\u{a0}', '\\xa0'))
    })
  }

  it('F87 breaks links and icons of a notification', () => {
    assert.equal(
      displayText('[a](command:b) $(zap)', { for: 'notification' }),
      '[a] (command:b) $ (zap)'
    )
  })

  it('F87 shows Markdown as the text that it is', () => {
    const text = ' # [a](b)  <i> $(zap) '
    assert.equal(
      decode(render(displayText(text, { for: 'markdown' }))),
      '<p>\u00a0# [a](b)\u00a0 <i> $(zap)\u00a0</p>\n'
    )
  })

  it('F87 is one paragraph of text in Markdown, whatever it is', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const html = render(displayText(text, { for: 'markdown' }))
        const [, inside] = /^(?:<p>([^<>]*)<\/p>\n)?$/.exec(html) ?? []
        assert(html === '' || inside !== undefined, html)
        assert.doesNotMatch(html, ICON)
        assert.equal(
          decode(inside ?? '').replaceAll('\u00a0', ' '),
          displayText(text)
        )
      })
    )
  })

  it('F87 is neither a link nor an icon of a notification, whatever it is', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 30 }), (text, limit) => {
        for (const options of [{}, { limit }]) {
          const shown = displayText(text, { for: 'notification', ...options })
          assert.doesNotMatch(shown, ICON)
          assert.doesNotMatch(shown, LINK)
        }
      })
    )
  })

  it('F87 is one line of visible characters everywhere', () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom(...PLACES), (text, place) => {
        assert.doesNotMatch(
          displayText(text, { for: place }),
          /[\p{C}\p{Zl}\p{Zp}\u200b\u00a0]/u
        )
      })
    )
  })

  describe('with a limit', () => {
    for (const [what, text, limit, shown] of [
      ['leaves what fits', 'abcd', 4, 'abcd'],
      ['cuts what does not', 'abcde', 4, 'abc…'],
      ['has space for the ellipsis alone', 'ab', 1, '…'],
      ['cuts no letter from its marks', 'ae\u0301b', 3, 'ae\u0301b'],
      ['cuts between letters and marks', 'ae\u0301bc', 3, 'ae\u0301…'],
      ['cuts no flag', '🇩🇪🇫🇷', 2, '🇩🇪🇫🇷'],
      ['leaves out a flag', '🇩🇪🇫🇷🇮🇹', 2, '🇩🇪…'],
      ['counts what is spelled out', 'a\u202eb', 10, 'a\\u{202e}b'],
      ['cuts no spelling', 'a\u202ebc', 9, 'a…'],
      ['leaves out a letter that has no end', `${'\u1100'.repeat(99)}`, 9, '…'],
      [
        'counts a letter that has no end',
        '\u1100'.repeat(25),
        25,
        '\u1100'.repeat(25)
      ]
    ]) {
      it(what, () => {
        assert.equal(displayText(text, { limit }), shown)
      })
    }

    it('counts what is shown, and not what Markdown needs for it', () => {
      assert.equal(
        displayText('<<<<', { for: 'markdown', limit: 3 }),
        '&#60;&#60;…'
      )
    })

    it('shows the start of the whole, and no more than that', () => {
      const limits = fc.integer({ min: 1, max: 40 })
      const graphemes = new Intl.Segmenter('en')
      fc.assert(
        fc.property(hostile, limits, (text, limit) => {
          const whole = displayText(text)
          const shown = displayText(text, { limit })
          const isCut = shown !== whole
          assert(whole.startsWith(isCut ? shown.slice(0, -1) : shown))
          assert(!isCut || shown.endsWith('…'))
          assert([...graphemes.segment(shown)].length <= limit)
        })
      )
    })
  })

  for (const [what, text, options] of [
    ['text that is none', 7, {}],
    ['a place that there is not', 'x', { for: 'browser' }],
    ['a place that every object has', 'x', { for: 'constructor' }],
    ['a limit that is text', 'x', { limit: '5' }],
    ['options that are none', 'x', null]
  ]) {
    it(`refuses ${what}`, () => {
      assert.throws(() => displayText(text, options), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARGUMENT'
      })
    })
  }

  for (const limit of [0, -1, 1.5, NaN, -Infinity]) {
    it(`refuses a limit of ${limit}`, () => {
      assert.throws(() => displayText('x', { limit }), {
        name: 'RangeError',
        code: 'ERR_INVALID_ARGUMENT'
      })
    })
  }
})
