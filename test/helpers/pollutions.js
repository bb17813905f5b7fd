'use strict'
// What somebody in the process may have done to what all objects have. Each runs
// in a process of its own, as text.

const POLLUTIONS = {
  nothing: undefined,

  'the fields of a threat': () => {
    const fields = {
      threatType: 'InjectionAttempt',
      severity: 'Critical',
      blocked: true,
      timestampUs: 5,
      source: 'evil',
      details: 'evil',
      id: 'evil',
      context: 'evil',
      threatTypeCode: 5,
      severityCode: 5,
      cut: true,
      sequence: 1,
      generation: 'evil',
      priority: 5
    }
    for (const [name, value] of Object.entries(fields)) {
      Object.defineProperty(Object.prototype, name, {
        value,
        writable: true,
        configurable: true
      })
    }
  },

  'setters for the fields of a threat': () => {
    const names = ['context', 'threatTypeCode', 'severityCode', 'cut', 'id']
    for (const name of names) {
      Object.defineProperty(Object.prototype, name, {
        configurable: true,
        get: () => 'evil',
        set() {}
      })
    }
  },

  'fields that cannot be set': () => {
    const names = ['context', 'threatTypeCode', 'severityCode', 'cut']
    for (const name of names) {
      Object.defineProperty(Object.prototype, name, { value: 'evil' })
    }
  },

  'the fields of a message': () => {
    const fields = {
      threat_type_code: 5,
      severity_code: 5,
      timestamp_us: 9,
      next: 5,
      shm: false,
      threats: []
    }
    for (const [name, value] of Object.entries(fields)) {
      Object.defineProperty(Object.prototype, name, { value, writable: true })
    }
  },

  'a toJSON of all objects': () => {
    Object.prototype.toJSON = () => 'evil'
  },

  'a toJSON of all lists': () => {
    Array.prototype.toJSON = () => 'evil'
  },

  'a then of all objects': () => {
    Object.defineProperty(Object.prototype, 'then', {
      configurable: true,
      value() {}
    })
  },

  'setters for what an error has': () => {
    for (const name of ['code', 'name', 'toJSON']) {
      Object.defineProperty(Object.prototype, name, {
        configurable: true,
        get: () => undefined,
        set() {}
      })
    }
  },

  'names that are frozen in Error.prototype': () => {
    Object.freeze(Error.prototype)
    Object.freeze(TypeError.prototype)
    Object.freeze(RangeError.prototype)
    Object.freeze(Object.prototype)
  },

  options: () => {
    const fields = {
      after: { generation: '0'.repeat(16), sequence: 5 },
      reliable: true,
      freeze: true,
      maxEventBytes: 5,
      maxEvents: 5,
      bufferSize: 5,
      readerTimeoutMs: 5,
      overflow: 'reject',
      enableChecksums: false,
      rejects: true,
      strictContext: true,
      latency: 'evil'
    }
    for (const [name, value] of Object.entries(fields)) {
      Object.defineProperty(Object.prototype, name, { value, writable: true })
    }
  },

  numbers: () => {
    for (const index of [0, 1, 2, 8, 99, 77, 255]) {
      Object.defineProperty(Object.prototype, index, {
        value: 'evil',
        writable: true,
        configurable: true
      })
    }
  }
}

module.exports = { POLLUTIONS }
