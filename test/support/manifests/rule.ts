// What a rule about manifests is.

import type { Manifest } from './objects.ts'

/** Something that must hold for everything that one overlay yields. */
export interface Rule {
  /** In kebab-case; a planted mistake names the rule that has to find it. */
  readonly id: string
  /** What is wrong, a sentence each, with the object in front. */
  find(objects: readonly Manifest[]): string[]
}
