'use strict'
// Events without end through four reliable readers of different speeds: none
// is lost.

const OPTIONS = {
  maxEvents: 16384,
  overflow: 'reject',
  readerTimeoutMs: 60_000
}

// In the pace of the ring, and with a pause after so many events.
const READERS = [
  { way: 'threats' },
  { way: 'threat' },
  { way: 'poll', pauseEvery: 20_000, pauseMs: 10 },
  { way: 'iterate', pauseEvery: 50_000, pauseMs: 50 }
]

async function runEvents(crowd, dir, events) {
  const options = { ...OPTIONS, dir }
  const writer = crowd.start({ role: 'flow', options, limit: events })
  await crowd.within(writer.told('ready'), 'the writer')
  const readers = await Promise.all(
    READERS.map(async (pace) => {
      const reader = crowd.start({
        ...{ role: 'reader', ...pace },
        options: { dir, reliable: true }
      })
      await crowd.within(reader.told('reading'), 'a reader')
      return reader
    })
  )
  const written = writer.told('last')
  const began = process.hrtime.bigint()
  writer.send({ go: true })
  const { last, ...stats } = await crowd.orFailed(written)
  const accounts = await Promise.all(
    readers.map(async (reader, i) => {
      const told = reader.told('account')
      reader.send({ last })
      const { account } = await crowd.within(told, 'an account')
      return { ...account, way: READERS[i].way, reliable: true }
    })
  )
  const seconds = Number(process.hrtime.bigint() - began) / 1e9
  await crowd.end()
  return { last, ...stats, seconds, accounts }
}

module.exports = { runEvents }
