// Cooperative rebalancing for kafkajs, which has only the eager kind: a member keeps what it has while the group is
// divided anew, and a partition changes hands in two steps: it is taken back, and given away when its owner has let go
// of it [KIP-429].

/** What a member says of itself when it joins. */
export interface Claim {
  /** The id under which it has what it has; another id now means that the group has forgotten it. */
  readonly memberId: string;
  /** The partitions that it reads, or whose last batch is still under way. */
  readonly owned: readonly number[];
  /** Those of `owned` that it is about to let go of. Nobody gets them now. */
  readonly leaving: readonly number[];
}

export interface Member {
  readonly memberId: string;
  readonly claim: Claim | undefined;
}

/**
 * Divides partitions among members: evenly, to within one; each member keeps what it has as far as its share goes; what
 * one has too many is given to nobody until its owner has let go, joined again, and this is asked once more.
 */
export function assignCooperatively(
  members: readonly Member[],
  partitions: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const unclaimed = new Set(partitions);
  const kept = new Map<string, number[]>();
  for (const { memberId, claim } of [...members].sort(byMemberId)) {
    const owned = claim?.memberId === memberId ? claim.owned.filter((one) => unclaimed.delete(one)) : [];
    const staying = owned.filter((one) => !claim?.leaving.includes(one));
    kept.set(
      memberId,
      staying.sort((a, b) => a - b),
    );
  }

  // Those that have most keep the shares that are larger by one, so that as little moves as can be.
  const order = [...kept.keys()].sort((a, b) => (kept.get(b)?.length ?? 0) - (kept.get(a)?.length ?? 0));
  const share = Math.floor(partitions.length / Math.max(1, order.length));
  const larger = partitions.length - share * order.length;
  const free = [...unclaimed].sort((a, b) => a - b);
  const assignment = new Map<string, readonly number[]>();
  order.forEach((memberId, i) => {
    const own = (kept.get(memberId) ?? []).slice(0, share + (i < larger ? 1 : 0));
    assignment.set(memberId, own);
  });
  // What is free goes to whoever has least.
  for (const one of free) {
    const [memberId] = [...assignment].reduce((least, entry) => (entry[1].length < least[1].length ? entry : least));
    assignment.set(memberId, [...(assignment.get(memberId) ?? []), one]);
  }
  return assignment;
}

const byMemberId = (a: Member, b: Member) => (a.memberId < b.memberId ? -1 : 1);

export function encodeClaim(claim: Claim): Buffer {
  return Buffer.from(JSON.stringify(claim));
}

/** A member of another kind, which says nothing, has nothing to keep. */
export function decodeClaim(userData: Buffer): Claim | undefined {
  try {
    const { memberId, owned, leaving } = JSON.parse(userData.toString()) as Claim;
    if (typeof memberId !== "string" || !Array.isArray(owned) || !Array.isArray(leaving)) return undefined;
    return { memberId, owned, leaving };
  } catch {
    return undefined;
  }
}
