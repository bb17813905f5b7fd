// A program: BenchmarkClient starts it.
export {}
