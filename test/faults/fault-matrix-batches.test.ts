import { describe } from 'vitest'
import { faultMatrix } from './fault-matrix.ts'
import { IN_BATCHES } from './scenarios.ts'

describe('every call of runs in batches failing in every way', () => faultMatrix(IN_BATCHES))
