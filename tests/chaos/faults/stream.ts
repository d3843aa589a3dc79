import { topics } from "../../../shared/kafka/topics.ts";
import { eventually } from "../../integration/stack.ts";
import { agentGroups, type System } from "../system.ts";
import { type Fault, nothingToMend } from "./fault.ts";
import { signal } from "./servers.ts";

const replay: Fault = {
  name: "replay",
  does: "both agents begin the whole topic anew while they run",
  touches: ["functions"],
  lastsMs: [0, 0],
  strike: async ({ hosts: [host] }) => {
    for (const functionKey of Object.keys(agentGroups)) {
      await eventually(() => host.replay(functionKey).then(() => true), `a replay of ${functionKey}`, 120_000);
    }
    return nothingToMend;
  },
};

/** Stops the functions, does something to their groups, and starts the functions again. */
function whileStopped(name: string, does: string, change: (system: System) => Promise<void>): Fault {
  return {
    name,
    does,
    touches: ["functions"],
    lastsMs: [0, 3_000],
    strike: async (system) => {
      const [host] = system.hosts;
      await host.stop();
      await change(system);
      return () => host.start();
    },
  };
}

const rewindGroups = whileStopped(
  "rewind-groups",
  "the agents' groups are set back to the start of the topic",
  (system) =>
    system.withAdmin("groups that are set back", async (admin) => {
      for (const groupId of Object.values(agentGroups)) {
        await admin.resetOffsets({ groupId, topic: topics.transactions.name, earliest: true });
      }
    }),
);

const deleteGroups = whileStopped(
  "delete-groups",
  "the agents' groups are deleted with all they had committed",
  (system) =>
    system.withAdmin("groups that are gone", async (admin) => {
      const { groups } = await admin.listGroups();
      const there = Object.values(agentGroups).filter((each) => groups.some(({ groupId }) => groupId === each));
      if (there.length > 0) await admin.deleteGroups(there);
    }),
);

const twoHosts: Fault = {
  name: "two-hosts",
  does: "a second function host joins the groups; later it leaves, or is killed",
  touches: ["functions"],
  lastsMs: [2_000, 8_000],
  strike: async ({ hosts: [, second] }, dice) => {
    await second.start();
    await second.ready();
    return async () => {
      if (dice.next() < 0.5) signal(second.pid() ?? 0, "SIGKILL");
      await second.stop();
    };
  },
};

const zombie: Fault = {
  name: "zombie",
  does: "of two function hosts one is frozen until the other has its partitions, and wakes up with its old batch",
  touches: ["functions"],
  lastsMs: [12_000, 16_000],
  strike: async ({ hosts: [first, second] }) => {
    await second.start();
    await second.ready();
    const pid = await eventually(() => first.pid(), "the first host's process");
    signal(pid, "SIGSTOP");
    return async () => {
      signal(pid, "SIGCONT");
      await second.stop();
    };
  },
};

const resnapshot: Fault = {
  name: "resnapshot",
  does: "the connector forgets its position, and loses its slot or not: it reads the whole table again",
  touches: ["connect"],
  lastsMs: [0, 3_000],
  strike: async (system, dice) => {
    await system.connect("PUT", "/stop");
    // Refused until the task has ended.
    await system.connect("DELETE", "/offsets");
    if (dice.next() < 0.5) {
      await system.sql(
        "the end of the slot",
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = 'fraud_transactions_slot'",
      );
    }
    return () => system.connect("PUT", "/resume");
  },
};

export const stream: readonly Fault[] = [replay, rewindGroups, deleteGroups, twoHosts, zombie, resnapshot];
