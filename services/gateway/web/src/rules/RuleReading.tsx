import { Descriptions } from "antd";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { useKind } from "@/documents/api";
import styles from "@/documents/documents.module.css";
import { useWords } from "@/documents/edit";
import type { Version } from "@/documents/model";
import { said } from "@/documents/Reading";
import { common, useLanguage, useText, word } from "@/i18n";
import { type Figure, kindOf, type Leaf, leafText, nodesOf } from "./condition";
import tree from "./condition.module.css";
import { conditionText } from "./messages";
import { rulesText } from "./ruleMessages";
import { type Rule, ruleSentence } from "./ruleText";
import { useFigures } from "./useFigures";

/** What the head says already, and what the sentence of each type does. */
const IN_HEAD = ["id", "type", "name_zh", "name_en", "severity"];
const IN_SENTENCE: Readonly<Record<string, readonly string[]>> = {
  fall: ["metrics", "percent", "months", "min_months_in_network"],
  request: ["request", "late_after_days"],
  arrears: ["stages"],
  complaint: ["due_hours", "due_soon_percent"],
  contract: ["steps"],
  condition: ["when"],
};

/** A rule in sentences, and its other parameters by name. */
export default function RuleReading({ version }: { version: Version }) {
  const shared = useText(common);
  const rules = useText(rulesText);
  const language = useLanguage();
  const figures = useFigures();
  const words = useWords(useKind("rules").fields);
  const rule = version as Rule;
  const isSaid = (name: string): boolean => IN_HEAD.includes(name) || (IN_SENTENCE[rule.type]?.includes(name) ?? false);
  const codes: Readonly<Record<string, string>> = {
    ...shared.severity,
    ...shared.stage,
    ...(rule.type === "arrears" ? shared.arrearsStage : {}),
    ...shared.customerStatus,
    ...shared.kindLong,
    ...rules.figures,
    ...rules.areas,
  };
  const all = new Map([...Object.entries(codes), ...words]);
  const inWords = (value: unknown): unknown =>
    typeof value === "string"
      ? word(codes, value)
      : Array.isArray(value)
        ? value.map(inWords)
        : typeof value === "object" && value !== null
          ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, inWords(each)]))
          : value;
  return (
    <>
      <div className={styles.sentence}>
        {typeof rule.severity === "string" && <SeverityTag severity={rule.severity as never} />}
        {rule.type === "condition" ? (
          <ReadTree node={rule.when} figures={figures} />
        ) : (
          <span>
            <Sentence parts={ruleSentence(rule, language)} />
          </span>
        )}
      </div>
      <Descriptions
        size="small"
        column={1}
        items={Object.entries(version.document)
          .filter(([name, value]) => !isSaid(name) || (name === "severity" && typeof value === "object"))
          .filter(([, value]) => !(Array.isArray(value) && value.length === 0))
          .map(([name, value]) => ({
            key: name,
            label: <span className={styles.term}>{words.get(name) ?? name}</span>,
            children: <span className={styles.value}>{said(inWords(value), language, all)}</span>,
          }))}
      />
    </>
  );
}

/** A condition as nested sentences. */
export function ReadTree({ node, figures }: { node: unknown; figures: readonly Figure[] }) {
  const t = useText(conditionText);
  const language = useLanguage();
  const kind = kindOf(node);
  switch (kind) {
    case "all":
    case "any":
      return (
        <div>
          {t[kind]}
          <ul className={tree.read}>
            {nodesOf(node, "").nodes.map((each, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: nodes have no name but their place
              <li key={n}>
                <ReadTree node={each} figures={figures} />
              </li>
            ))}
          </ul>
        </div>
      );
    case "not":
      return (
        <div>
          {t.not}
          <ul className={tree.read}>
            <li>
              <ReadTree node={(node as { not: unknown }).not} figures={figures} />
            </li>
          </ul>
        </div>
      );
    case "leaf":
      return <b>{leafText(node as Leaf, figures, language)}</b>;
    default:
      return <span>{t.open}</span>;
  }
}
