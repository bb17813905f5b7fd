'use strict'
// The async context in which somebody subscribed, for the callbacks that come
// from elsewhere: a store of AsyncLocalStorage that was set around `on` or
// `pollThreats` is what its callback sees.

const { AsyncResource } = require('node:async_hooks')
const { EventEmitter } = require('node:events')
const { define } = require('./own.js')

// The scope that runs. Entering one costs as much as a short callback, so what
// runs in it already is just called.
let current = null

class Scope {
  #resource = new AsyncResource('KindlyGuardIpc')

  /**
   * Calls a function in this scope.
   * @param {Function} call
   * @param {unknown} [self] its `this`
   * @param {unknown} [value] its argument
   * @returns what it returns
   * @throws what it throws
   */
  run(call, self, value) {
    if (current === this) {
      return call.call(self, value)
    }
    const before = current
    current = this
    try {
      return this.#resource.runInAsyncScope(call, self, value)
    } finally {
      current = before
    }
  }
}

// Emitted by the call that adds or removes a listener, and so in its scope.
const AT_ONCE = ['newListener', 'removeListener']

// On a listener as it is registered: its scope.
const SCOPE = Symbol('scope')

/** An emitter of events, each with one value or none, whose listeners run in
 * the scope in which they were added. */
class ScopedEmitter extends EventEmitter {
  on(event, listener) {
    return super.on(event, bind(event, listener))
  }

  addListener(event, listener) {
    return super.on(event, bind(event, listener))
  }

  prependListener(event, listener) {
    return super.prependListener(event, bind(event, listener))
  }

  once(event, listener) {
    return super.on(event, this.#bindOnce(event, listener))
  }

  prependOnceListener(event, listener) {
    return super.prependListener(event, this.#bindOnce(event, listener))
  }

  #bindOnce(event, listener) {
    if (typeof listener !== 'function') {
      return listener
    }
    const emitter = this
    // Events of the emitter itself have two values.
    const bound = bind(event, function once(...values) {
      emitter.removeListener(event, bound)
      return Reflect.apply(listener, this, values)
    })
    // EventEmitter finds a listener by this name, too.
    return define(bound, 'listener', listener, false)
  }
}

/** A listener that runs in the present scope; EventEmitter refuses what is no
 * function. */
function bind(event, listener) {
  if (typeof listener !== 'function' || AT_ONCE.includes(event)) {
    return listener
  }
  const scope = new Scope()
  function bound(value) {
    return scope.run(listener, this, value)
  }
  define(bound, SCOPE, scope, false)
  return define(bound, 'listener', listener, false)
}

/**
 * The scope of the listeners of an event, when it has one alone.
 * @param {ScopedEmitter} emitter
 * @param {string} event
 * @returns {Scope | null}
 */
function scopeOf(emitter, event) {
  const listeners = emitter.rawListeners(event)
  return listeners.length === 1 ? (listeners[0][SCOPE] ?? null) : null
}

module.exports = { Scope, ScopedEmitter, scopeOf }
