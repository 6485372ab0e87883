// The files that a revision imports, for tsc and editors: /// <reference types="aurora-migrations/files" />
// JSON is not among them: tsc knows it by itself ("resolveJsonModule").

declare module '*.sql' {
  const file: import('aurora-migrations').SqlFile
  export default file
}

declare module '*.csv' {
  const text: string
  export default text
}

declare module '*.txt' {
  const text: string
  export default text
}
