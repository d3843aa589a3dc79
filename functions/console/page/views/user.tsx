import { useMemo } from "preact/hooks";
import type { UserTransaction, UserView } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { Chart } from "../chart.tsx";
import { formatCents, formatMoment, formatWhole } from "../format.ts";
import { useLive } from "../live.ts";
import { Answer, Empty, Heading, Mark, Table } from "../ui.tsx";
import { AlertTable } from "./alert-table.tsx";

export function User({ userId }: ViewProps & { userId: string }) {
  const live = useLive<UserView>(`/api/users/${encodeURIComponent(userId)}`, 30_000);
  return (
    <>
      <Heading title={`User ${userId}`} />
      <Answer live={live} lines={12}>
        {(user) => (
          <>
            {user.transactions.length === 0 ? (
              <Empty title="No transactions of this user">
                {user.searchedFrom !== null && <p>None from transaction {formatWhole(user.searchedFrom)} on.</p>}
              </Empty>
            ) : (
              <History user={user} />
            )}
            <h2>Alerts</h2>
            <AlertTable alerts={user.alerts} ofUser />
            {user.transactions.length > 0 && (
              <>
                <h2>Transactions</h2>
                {user.searchedFrom !== null && (
                  <p class="quiet">
                    Those from transaction {formatWhole(user.searchedFrom)} on: it was not looked further back, so what
                    the first ones were held against is not known here.
                  </p>
                )}
                <Transactions transactions={user.transactions} />
              </>
            )}
          </>
        )}
      </Answer>
    </>
  );
}

function History({ user: { transactions, rule, userId } }: { user: UserView }) {
  const [times, values] = useMemo(() => {
    const drawn = transactions
      .filter((each) => each.at !== null && each.amountCents !== null)
      .sort((a, b) => (a.at as string).localeCompare(b.at as string));
    const isSuspicious = ({ agents }: UserTransaction) => agents.length > 0;
    return [
      drawn.map(({ at }) => Date.parse(at as string) / 1_000),
      [
        drawn.map(({ thresholdCents }) => (thresholdCents === null ? null : thresholdCents / 100)),
        drawn.map((each) => (isSuspicious(each) ? null : (each.amountCents as number) / 100)),
        drawn.map((each) => (isSuspicious(each) ? (each.amountCents as number) / 100 : null)),
      ],
    ] as const;
  }, [transactions]);
  const money = (value: number) => formatCents(value * 100);
  return (
    <section>
      <h2>Amounts, and what the profile agent held them against</h2>
      <Chart
        description={`The last ${transactions.length} amounts of user ${userId}, the threshold above which the profile agent alerts, and the amounts that raised an alert`}
        series={[
          { label: "threshold", color: "--second", kind: "leading", format: money },
          { label: "amount", color: "--accent", kind: "points", format: money },
          { label: "alert", color: "--fault", kind: "points", format: money },
        ]}
        times={times}
        values={values}
        height={260}
      />
      <p class="quiet">
        The threshold is{" "}
        {rule.name === "ratio" ? `${rule.threshold} × the mean` : `the mean and ${rule.threshold} standard deviations`}{" "}
        of the {rule.history} amounts before, and never below what is always let pass. The velocity agent looks at how
        fast somebody spends, so it may alert below it.
      </p>
    </section>
  );
}

const columns = [
  "Time (UTC)",
  { title: "Transaction", isNumber: true as const },
  { title: "Amount", isNumber: true as const },
  { title: "Threshold", isNumber: true as const },
  "Card",
  { title: "Merchant", isNumber: true as const },
  "Alerts",
];

function Transactions({ transactions }: { transactions: readonly UserTransaction[] }) {
  return (
    <Table caption="Transactions, newest first" columns={columns}>
      {transactions.toReversed().map(({ id, at, amountCents, thresholdCents, cardType, merchantId, agents }) => (
        <tr key={id}>
          <td>{at === null ? "–" : formatMoment(at)}</td>
          <td class="number">{id}</td>
          <td class="number">{amountCents === null ? "–" : formatCents(amountCents)}</td>
          <td class="number">{thresholdCents === null ? "–" : formatCents(thresholdCents)}</td>
          <td class="text">{cardType ?? "–"}</td>
          <td class="number">{merchantId ?? "–"}</td>
          <td>
            {agents.length > 0 && (
              <>
                <Mark health="fault" label="" /> {agents.join(", ")}
              </>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
