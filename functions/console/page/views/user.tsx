import { useEffect, useMemo } from "preact/hooks";
import type { UserTransactionPage, UserView } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { Chart } from "../chart.tsx";
import { formatCents, formatMoment, formatWhole } from "../format.ts";
import { useLive } from "../live.ts";
import { MoreButton, useMore } from "../more.tsx";
import { Answer, Empty, Heading, Mark, Table } from "../ui.tsx";
import { type JudgedTransaction, transactionPaging, withThresholds } from "../user-history.ts";
import { AlertTable } from "./alert-table.tsx";

/** With so many to see, behind as many as the rule looks at, or after so many of all users, it is not looked further without being asked. */
const shownMin = 30;
const searchedMax = 4_000_000;

export function User({ userId }: ViewProps & { userId: string }) {
  const path = `/api/users/${encodeURIComponent(userId)}`;
  const live = useLive<UserView>(path, 30_000);
  const spent = useLive<UserTransactionPage>(`${path}/transactions`, 30_000);
  const more = useMore(
    spent.data,
    (before) => `${path}/transactions?before=${encodeURIComponent(before)}`,
    transactionPaging,
  );
  const { page } = more;
  const shownEnough = shownMin + (live.data?.rule.historyMax ?? 0);
  const isSearching =
    page !== undefined &&
    live.data !== undefined &&
    page.next !== null &&
    more.error === undefined &&
    page.transactions.length < shownEnough &&
    page.to - page.from < searchedMax;
  useEffect(() => {
    if (isSearching && !more.isRunning) more.load();
  }, [isSearching, more.isRunning, page]);
  const user = live.data;
  const judged = useMemo(
    () => user && page && withThresholds(page.transactions, user.rule, page.next === null),
    [user, page],
  );
  const both = {
    data: user && page && judged && { user, page, judged },
    error: live.error ?? spent.error,
    refresh: () => {
      live.refresh();
      spent.refresh();
    },
  };
  return (
    <>
      <Heading title={`User ${userId}`} />
      <Answer live={both} lines={12}>
        {({ user, page: { from, next }, judged }) => (
          <>
            {judged.length > 0 && <History user={user} transactions={judged} />}
            {judged.length === 0 && next === null && <Empty title="No transactions of this user" />}
            <h2>Alerts</h2>
            <AlertTable alerts={user.alerts} ofUser />
            {(judged.length > 0 || next !== null) && <h2>Transactions</h2>}
            {judged.length > 0 && <Transactions transactions={judged} />}
            {next !== null && (
              <p class="quiet" role="status">
                {isSearching ? `Looking further back than transaction ${formatWhole(from)}…` : endOf(judged, from)}
              </p>
            )}
            {!isSearching && <MoreButton more={more} label="Look further back" />}
          </>
        )}
      </Answer>
    </>
  );
}

/** Where the list ends when it was not looked through to the first transaction. */
const endOf = (judged: readonly JudgedTransaction[], from: number) =>
  judged.length === 0
    ? `None from transaction ${formatWhole(from)} on.`
    : `Those from transaction ${formatWhole(from)} on. What the first ones were held against is not known here.`;

interface HistoryProps {
  readonly user: UserView;
  readonly transactions: readonly JudgedTransaction[];
}

function History({ user: { rule, userId }, transactions }: HistoryProps) {
  const [times, values] = useMemo(() => {
    const drawn = transactions
      .filter((each) => each.at !== null && each.amountCents !== null)
      .sort((a, b) => (a.at as string).localeCompare(b.at as string));
    const isSuspicious = ({ agents }: JudgedTransaction) => agents.length > 0;
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
        {rule.rule === "ratio" ? `${rule.threshold} × the mean` : `the mean and ${rule.threshold} standard deviations`}{" "}
        of the {rule.historyMax} amounts before, and never below what is always let pass. The velocity agent looks at
        how fast somebody spends, so it may alert below it.
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

function Transactions({ transactions }: { transactions: readonly JudgedTransaction[] }) {
  return (
    <Table caption="Transactions, newest first" columns={columns}>
      {transactions.map(({ id, at, amountCents, thresholdCents, cardType, merchantId, agents }) => (
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
