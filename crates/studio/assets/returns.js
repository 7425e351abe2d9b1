// What each policy returned, episode by episode.

import { agreementText, h, number, policies } from "./page.js";
import { strip } from "./chart.js";

const MEASURES = { same_action: "share of states with the same action", r_squared: "coefficient of determination of the action" };

/** All policies of a run. */
export function returnsTable(metrics) {
  const order = Object.keys(policies);
  const rows = Object.entries(metrics.returns).sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
  const all = rows.flatMap(([, returns]) => returns.episodes ?? [returns.mean]);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const { measure, expert_states: values } = metrics.agreement;
  const agreements = rows.some(([policy]) => policy in values);
  const row = ([policy, returns]) => {
    const { low: low95, high: high95 } = returns.interquartile_mean_interval;
    return h(
      "tr",
      {},
      h("td", {}, policies[policy] ?? policy),
      h("td", { class: "number" }, `${number(returns.mean)} ± ${number(returns.std)}`),
      h("td", { class: "number" }, `${number(returns.interquartile_mean)} [${number(low95)}, ${number(high95)}]`),
      h("td", { class: "number" }, number(returns.worst_5_percent)),
      agreements && h("td", { class: "number" }, agreementText(measure, values[policy])),
      h("td", { class: "strip" }, strip(returns.episodes ?? [], returns.mean, low, high, `Returns of the episodes of the ${policies[policy] ?? policy}`)),
    );
  };
  const n = rows[0]?.[1].n;
  return h(
    "div",
    {},
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Returns" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Policy"), h("th", { class: "number" }, "Mean ± std"), h("th", { class: "number" }, "Interquartile mean [95 %]"), h("th", { class: "number" }, "Worst 5 %"), agreements && h("th", { class: "number" }, "Agreement"), h("th", { class: "strip" }, "Episodes"))), h("tbody", {}, rows.map(row)))),
    h("p", { class: "soft small" }, `${n ?? ""} episodes each, on the same seeds; nothing was tuned on them.${agreements ? ` Agreement: ${MEASURES[measure]}.` : ""}`),
  );
}
