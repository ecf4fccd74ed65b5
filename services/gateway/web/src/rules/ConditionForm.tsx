import { PlusOutlined } from "@ant-design/icons";
import { Button } from "antd";
import styles from "@/documents/documents.module.css";
import { useEdit } from "@/documents/edit";
import { choices, Num, OneOf, Several } from "@/documents/inline";
import { withAt } from "@/documents/paths";
import { common, useText, word } from "@/i18n";
import { ConditionTree } from "./ConditionTree";
import { kindOf, recordsOf } from "./condition";
import { formText } from "./formMessages";
import { conditionText } from "./messages";
import { rulesText } from "./ruleMessages";
import { useFigures } from "./useFigures";

const RECORDS = ["BILL", "USAGE", "BAL", "ARR", "CONT", "COMP", "SERV", "PAY", "CUST"];

/** A rule that staff build of figures: what it raises, when it looks, and its tree. */
export function ConditionForm() {
  const t = useText(formText);
  const words = useText(conditionText);
  const shared = useText(common);
  const rules = useText(rulesText);
  const { document, set } = useEdit();
  const figures = useFigures();
  const on = Array.isArray(document.on) ? document.on : [];
  const missing = recordsOf(document.when, figures).filter(record => !on.includes(record));
  const isTree = kindOf(document.when) !== "other";
  return (
    <>
      <div className={styles.row}>
        <OneOf path="alert" label={t.raises} options={choices(t.alert)} />
        <OneOf path="severity" options={choices(shared.severity)} />
        <Num path="late_after_days" />
      </div>
      <section aria-label={t.whenAll} className={styles.shape}>
        <h2>{t.whenAll}</h2>
        {isTree ? (
          <ConditionTree path="when" figures={figures} />
        ) : (
          <Button icon={<PlusOutlined />} onClick={() => set(withAt(document, "when", { all: [] }))}>
            {words.all}
          </Button>
        )}
      </section>
      <div className={styles.row}>
        <Several path="on" label={t.looksOn} options={choices(rules.figures, RECORDS)} />
        {missing.length > 0 && (
          <Button onClick={() => set(withAt(document, "on", [...on, ...missing]))}>
            {words.ofRecords(missing.map(each => word(rules.figures, each)).join(shared.comma))}
          </Button>
        )}
      </div>
    </>
  );
}
