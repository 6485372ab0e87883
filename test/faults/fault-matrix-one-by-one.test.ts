import { describe } from 'vitest'
import { faultMatrix } from './fault-matrix.ts'
import { ONE_BY_ONE } from './scenarios.ts'

describe('every call of runs without batching failing in every way', () => faultMatrix(ONE_BY_ONE))
