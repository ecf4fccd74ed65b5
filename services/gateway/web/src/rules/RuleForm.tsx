import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button } from "antd";
import type { ReactNode } from "react";
import styles from "@/documents/documents.module.css";
import { FaultsAt, useEdit, usePlace } from "@/documents/edit";
import { choices, Line, Num, OneOf, Several } from "@/documents/inline";
import { documentsText } from "@/documents/messages";
import { joined, withAt, withEntry } from "@/documents/paths";
import ShapeForm from "@/documents/ShapeForm";
import { common, useText } from "@/i18n";
import { ConditionForm } from "./ConditionForm";
import { formText } from "./formMessages";
import { rulesText } from "./ruleMessages";

/** A rule as a sentence, with fields where its numbers and choices stand. */
export default function RuleForm() {
  const { document, isNew } = useEdit();
  const t = useText(formText);
  const words = useText(documentsText);
  const sentences: Readonly<Record<string, ReactNode>> = {
    fall: <Fall />,
    request: <Request />,
    arrears: <Arrears />,
    complaint: <Complaint />,
    contract: <Contract />,
    condition: <ConditionForm />,
  };
  const sentence = sentences[String(document.type)];
  if (!sentence) {
    return <ShapeForm />;
  }
  return (
    <div className={styles.shape}>
      <div className={styles.row}>
        {isNew && <Line path="id" label={words.id} hint={words.idHint} maxLength={64} />}
        <Line path="name_zh" label={t.nameZh} />
        <Line path="name_en" label={t.nameEn} />
      </div>
      {sentence}
      <Lists />
      <p className="kam-small kam-secondary">{words.unknownFields}</p>
    </div>
  );
}

/** Lists of customers that a rule may name, where the server knows them. */
function Lists() {
  const rules = useText(rulesText);
  const { words } = useEdit();
  const fields = Object.entries(rules.lists).filter(([field]) => words.has(field));
  return fields.length === 0 ? null : (
    <div className={styles.row}>
      {fields.map(([field, label]) => (
        <Several key={field} path={field} label={label} />
      ))}
    </div>
  );
}

function Severity() {
  const shared = useText(common);
  return <OneOf path="severity" options={choices(shared.severity)} />;
}

function Fall() {
  const t = useText(formText);
  const shared = useText(common);
  const rules = useText(rulesText);
  const { value: metrics = [] } = usePlace<{ record: string; figure: string; code: string }[]>("metrics");
  const { document, set } = useEdit();
  const known = Object.values(METRICS).map(each => each.figure);
  const left = known.filter(figure => !metrics.some(metric => metric.figure === figure));
  return (
    <>
      <div className={styles.sentence}>
        {t.when}
        {metrics.map((metric, n) => (
          <span key={metric.figure} className={styles.tag} data-field={joined("metrics", n)}>
            {n > 0 && <span>{t.or} </span>}
            <b>{rules.figures[metric.figure as keyof typeof rules.figures] ?? metric.figure}</b>
            {metrics.length > 1 && (
              <Button
                size="small"
                type="text"
                icon={<DeleteOutlined />}
                aria-label={t.without(rules.figures[metric.figure as keyof typeof rules.figures] ?? metric.figure)}
                onClick={() => set(withAt(document, joined("metrics", n), undefined))}
              />
            )}
            {["", "figure", "code", "record"].map(field => (
              <FaultsAt key={field} path={field ? joined(joined("metrics", n), field) : joined("metrics", n)} />
            ))}
          </span>
        ))}
        {left.map(figure => (
          <Button
            key={figure}
            size="small"
            icon={<PlusOutlined />}
            onClick={() => set(withEntry(document, "metrics", METRICS[figure]))}
          >
            {rules.figures[figure as keyof typeof rules.figures]}
          </Button>
        ))}
        ≤ {t.before}
        <Num path="months" inline />
        {t.meanOf}
        <Num path="percent" inline />
        {t.percentAnd}
        <Num path="min_months_in_network" inline />
        {t.months}
      </div>
      <FaultsAt path="metrics" />
      <div className={styles.row}>
        <Severity />
        <Num path="late_after_days" />
        <Several path="statuses" options={choices(shared.customerStatus)} />
        <Several path="excluded_plan_codes" />
        <Several path="excluded_customers" />
      </div>
    </>
  );
}

/** The figures that may fall, with the reason each gives. */
const METRICS: Readonly<Record<string, { record: string; figure: string; code: string }>> = {
  amount_fen: { record: "BILL", figure: "amount_fen", code: "bill_fall" },
  voice_minutes: { record: "USAGE", figure: "voice_minutes", code: "minutes_fall" },
};

function Request() {
  const t = useText(formText);
  const rules = useText(rulesText);
  return (
    <>
      <div className={styles.sentence}>
        {t.whenCustomer}
        <OneOf path="request" inline options={choices(rules.requests)} />
        {t.goodFor}
        <Num path="late_after_days" inline />
        {t.days}
      </div>
      <div className={styles.row}>
        <Severity />
        <Line path="code" maxLength={64} />
      </div>
    </>
  );
}

function Arrears() {
  const t = useText(formText);
  const shared = useText(common);
  const words = useText(documentsText);
  const { document, set } = useEdit();
  const { value: stages = [] } = usePlace<{ after_days: number; stage: string }[]>("stages");
  const { value: severity = {} } = usePlace<Record<string, string>>("severity");
  const names = choices({ ...shared.stage, ...shared.arrearsStage }, STAGES);
  return (
    <>
      <div className={styles.sentence}>
        {t.whenOwes}
        <OneOf path="first_stage" inline options={names} />
      </div>
      <ol className={styles.shape} data-field="stages">
        {stages.map((_, n) => {
          const place = joined("stages", n);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: stages have no name but their place
            <li key={n} className={styles.sentence} data-field={place}>
              {t.late}
              <Num path={joined(place, "after_days")} inline />
              {t.daysLate}
              <OneOf path={joined(place, "stage")} inline options={names} />
              <Button
                size="small"
                type="text"
                icon={<DeleteOutlined />}
                aria-label={`${words.remove} ${words.item(n + 1)}`}
                onClick={() => set(withAt(document, place, undefined))}
              />
              <FaultsAt path={place} />
            </li>
          );
        })}
      </ol>
      <FaultsAt path="stages" />
      <span>
        <Button
          size="small"
          icon={<PlusOutlined />}
          onClick={() =>
            set(withEntry(document, "stages", { after_days: (stages.at(-1)?.after_days ?? 0) + 30, stage: STAGES[4] }))
          }
        >
          {words.add}
        </Button>
      </span>
      <div className={styles.sentence}>
        {t.whenSuspended}
        <OneOf path="suspended_stage" inline options={names} />
      </div>
      <Severities of={Object.keys(severity)} names={{ ...shared.stage, ...shared.arrearsStage }} />
    </>
  );
}

const STAGES = ["opened", "reminder", "second_reminder", "final_notice", "suspension_proposed", "suspended"];

function Complaint() {
  const t = useText(formText);
  const shared = useText(common);
  const rules = useText(rulesText);
  const { value: hours = {} } = usePlace<Record<string, number>>("due_hours");
  const { value: severity = {} } = usePlace<Record<string, string>>("severity");
  return (
    <>
      <div className={styles.sentence}>
        {t.whenComplains}
        {Object.keys(hours).map(area => (
          <span key={area} className={styles.tag}>
            {rules.areas[area as keyof typeof rules.areas] ?? area}
            <Num
              path={joined("due_hours", area)}
              label={rules.areas[area as keyof typeof rules.areas] ?? area}
              inline
            />
            {t.hours}
          </span>
        ))}
        {t.areaUnknown}
        <Num path="due_hours_unknown_area" inline />
        {t.hours}
        {t.soonAt}
        <Num path="due_soon_percent" inline />%
      </div>
      <Severities of={Object.keys(severity)} names={shared.stage} />
      <Num path="forget_after_days" />
    </>
  );
}

function Contract() {
  const t = useText(formText);
  const shared = useText(common);
  const { value: severity = {} } = usePlace<Record<string, string>>("severity");
  return (
    <>
      <div className={styles.sentence}>
        {t.whenEnds}
        <Several path="steps" inline />
        {t.daysBefore}
      </div>
      {/* Objects have their numbers in rising order: the first step comes first here. */}
      <Severities of={Object.keys(severity).reverse()} names={shared.stage} />
      <Num path="forget_after_days" />
    </>
  );
}

function Severities({ of, names }: { of: readonly string[]; names: Readonly<Record<string, string>> }) {
  const shared = useText(common);
  const { label } = usePlace("severity");
  return (
    <fieldset className={styles.group} data-field="severity">
      <legend>{label}</legend>
      <FaultsAt path="severity" />
      <div className={styles.row}>
        {of.map(name => (
          <OneOf
            key={name}
            path={joined("severity", name)}
            label={names[name] ?? name}
            options={choices(shared.severity)}
          />
        ))}
      </div>
    </fieldset>
  );
}
