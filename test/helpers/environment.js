'use strict'
// What every test runs with, and the processes that it starts: the product
// asserts what only a mistake of its own could break.

process.env.NODE_ENV = 'test'
