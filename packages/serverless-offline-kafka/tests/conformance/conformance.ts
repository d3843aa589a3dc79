import type { CaseOf, FeatureId } from "./features.ts";
import type { Case } from "./harness.ts";

interface DeclaredCase {
  readonly feature: FeatureId;
  readonly sentence: string;
  readonly run: (t: Case) => Promise<void>;
  /** Shows a bug that is known and not mended yet. Its feature is no claim of the README meanwhile. */
  readonly isFailing: boolean;
}

/** All cases of the files in cases/ that were imported. */
export const declaredCases: DeclaredCase[] = [];

/** Proves a sentence of a feature in features.ts. */
export function conformance<Id extends FeatureId>(
  feature: Id,
  sentence: CaseOf<Id>,
  run: (t: Case) => Promise<void>,
): void {
  declaredCases.push({ feature, sentence, run, isFailing: false });
}

conformance.failing = <Id extends FeatureId>(
  feature: Id,
  sentence: CaseOf<Id>,
  run: (t: Case) => Promise<void>,
): void => {
  declaredCases.push({ feature, sentence, run, isFailing: true });
};
