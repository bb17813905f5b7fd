'use strict'
// Continuations as zlib has once deflated them: another version may make other
// bytes of the same text.

const { field } = require('./ring.js')

const SOURCE = `/${'long/'.repeat(40)}path`
const DETAILS = `${'é'.repeat(3000)} end`
const NUMBERS = Array.from({ length: 300 }, (_, i) => i * i).join(' ')

module.exports = [
  {
    text: { source: SOURCE, details: DETAILS },
    fields: [field(1, SOURCE), field(2, DETAILS)],
    deflated:
      '7cSxDUBAAAXQzxJaG5hJckIhR3FLmUNtJ0Po5OUlr0vyJJn2o65/6Jzb1idpQ3JfAAAAAADA' +
      'V+NSyws='
  },
  {
    text: { details: NUMBERS, id: 'numbers' },
    fields: [field(2, NUMBERS), field(3, 'numbers')],
    deflated:
      'JVTJjQBFDByBBGlUCD7KVzpIPOEBIn9UvT9rprtt1/XL933//fZ9Bgdx8EYUssFDE+twM3g4' +
      'nIT3wa8RUYhqxB4yiGwHzUA6uETFoabRUehpTBxmiaXjzHCtd4Nw24N7NVxvelzDU12odqW+' +
      'rQFak0wTvtQM2QjTFK6Jww6RRgTNEWWGaFWjb6u/543UjfRsDX3IbCK5jlSPnHDkksjrA+0a' +
      '1FTMapB7YAfB0bZao4yOci2c2pjTKO1co+ri0LZEBx0tgLra0RNE7x7GSuBEYfIaU32YITEX' +
      'jhX0G+tYiovmYTcbpz0uvHG0w7URt/a4ElgWr6YJ4LYTzN5w1z33SNUUjt6C1Ffoxg/TKcyj' +
      'BH+MmIh7pDx+kvUIEmt5IpDeTxu6y6bqXVHncfDKafjDxGtV9/veqTP9zreg9HnvDPXmvPfn' +
      '1Gtf36Vm2DfPmWa7N+c9cZzmD/MmwrRX2Egg/qOQlERcOIQuI0L4xI9MQrhFur4nn45G5/nu' +
      'MvUOhXzw9H6Jjyj1jRJL0UEiWtxFr9zxGI0pOWTEc2yEhCj2Y7VvnDQRV0vESSlpMZKosEo7' +
      '1S5VpfcSGdJahnDOkAIzXc5L6TJzq5FPrck61dJwVkrO9ZTd4jf7R+8r6c9zwbQMsc8bS9lk' +
      '5Zi8sGcFe96Wu42vXiPo8pzIl0l0l0HFRsifzGiCKdeS/pJBXiaPBEsOZ40M1s9h3bLYKA04' +
      '9UymjOC+VFnlBi+W4ClLylwGe1iVm2p/meP30kc5VPEsmsqmyg2iqLwqTjWq1LeqT5ZVrlU3' +
      'iRplXY34rbV11FYTdcZDXWWjTfu2lTcE6qG9TDY3c2WejJ6vzved7wzf+Xp3673TelOrEz3q' +
      '1a9vr2YQRUSfZuvTnGMvKUzzj2uXce01oR3n7Tup3SeFw1CYTAmfeR6cFm7TL49HeM4I23k4' +
      'zwrzOeG/Ji7WxMu+bF4XXxvibkM8borTffwuxfWWeN+SBralhx3tuyOd7Eozu9LPHs1//b7v' +
      '9+/7/v7vrz/+/Off/wE='
  }
]
