'use strict'

const js = require('@eslint/js')
const globals = require('globals')

const rules = {
  curly: ['error', 'multi-line'],
  eqeqeq: 'error',
  'no-implicit-coercion': 'error',
  'no-promise-executor-return': 'error',
  'no-shadow': 'error',
  'no-throw-literal': 'error',
  'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
  'no-use-before-define': ['error', { functions: false, classes: false }],
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error'
}

// In lib/ what is private to a class is #private, so that nobody can read it.
const underscoreRule = [
  'error',
  {
    selector: 'MemberExpression[property.name=/^_[a-z]/]',
    message: 'Make it #private, or public if others need it.'
  }
]

module.exports = [
  // TypeScript's compiler judges the types and what tests them.
  {
    ignores: [
      '**/build/',
      '.cache/',
      'coverage/',
      'bench/report/',
      '**/*.ts',
      '**/*.mts',
      '**/*.cts'
    ]
  },
  js.configs.recommended,
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.js', '**/*.cjs'],
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: 'commonjs',
      globals: globals.node
    },
    rules: { ...rules, strict: ['error', 'global'] }
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: 'module',
      globals: globals.nodeBuiltin
    },
    rules
  },
  {
    files: ['bench/page/*.js'],
    languageOptions: { sourceType: 'script', globals: globals.browser }
  },
  {
    files: ['test/**/*.js', 'test/**/*.mjs'],
    languageOptions: { globals: globals.mocha }
  },
  {
    files: ['lib/**/*.js'],
    rules: { 'no-restricted-syntax': underscoreRule }
  }
]
