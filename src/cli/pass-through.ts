// The schema of those who do not know what an activity takes: whoever runs it checks it.

import { z } from 'zod'

/** Takes any JSON. */
export const anything: z.ZodType = z.unknown()
