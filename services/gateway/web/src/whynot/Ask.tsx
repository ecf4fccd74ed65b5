import { Button, Input } from "antd";
import { useState } from "react";
import { asProblem, type Problem } from "@/api/client";
import { type FoundCustomer, find } from "@/app/search";
import { BlockError } from "@/components/BlockError";
import { useText } from "@/i18n";
import { whyNotText } from "./messages";
import { WhyNot } from "./WhyNot";
import styles from "./whynot.module.css";

/** Why this rule did not warn of some customer: find them, then see. */
export function AskWhyNot({ rule }: { rule: string }) {
  const t = useText(whyNotText);
  const [found, setFound] = useState<readonly FoundCustomer[]>();
  const [chosen, setChosen] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  const [isAsking, setAsking] = useState(false);
  const search = async (text: string): Promise<void> => {
    if (!text.trim()) {
      return;
    }
    setAsking(true);
    setChosen(undefined);
    setProblem(undefined);
    try {
      const { customers } = await find(text.trim(), AbortSignal.timeout(10_000));
      setFound(customers);
      setChosen(customers.length === 1 ? customers[0]?.customer_id : undefined);
    } catch (error) {
      setFound(undefined);
      setProblem(asProblem(error));
    } finally {
      setAsking(false);
    }
  };
  return (
    <section className={styles.rules} aria-label={t.title}>
      <h3>{t.title}</h3>
      <Input.Search
        aria-label={t.thisRule}
        placeholder={t.findCustomer}
        maxLength={200}
        loading={isAsking}
        enterButton
        onSearch={text => void search(text)}
      />
      {problem && <BlockError error={problem} what={t.what} />}
      {found?.length === 0 && <p className="kam-secondary">{t.nobody}</p>}
      {found && found.length > 1 && (
        <div className={styles.found}>
          <span className="kam-secondary">{t.several}</span>
          {found.map(each => (
            <Button
              key={each.customer_id}
              size="small"
              type={each.customer_id === chosen ? "primary" : "default"}
              onClick={() => setChosen(each.customer_id)}
            >
              {[each.customer_name, each.customer_id].filter(Boolean).join(" ")}
            </Button>
          ))}
        </div>
      )}
      {chosen && <WhyNot key={chosen} customer={chosen} rule={rule} />}
    </section>
  );
}
