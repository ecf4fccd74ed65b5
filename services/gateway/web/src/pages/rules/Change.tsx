import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Form, Input } from "antd";
import { useState } from "react";
import { answer, api, asProblem } from "@/api/client";
import { requestKeys } from "@/api/requestKey";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText } from "@/i18n";
import { rulesText } from "./messages";
import styles from "./rules.module.css";
import type { Rule } from "./ruleText";

type Step = "rollback" | "stop";

interface Props {
  rule: Rule;
  /** Whether another version was in force before. */
  canGoBack: boolean;
}

/** What is done to the version in force, with a reason: back to what was before it, or nothing new by it. */
export function Change({ rule, canGoBack }: Props) {
  const t = useText(rulesText);
  const shared = useText(common);
  const language = useLanguage();
  const client = useQueryClient();
  const { tell } = useUndo();
  const [form] = Form.useForm<{ why: string }>();
  const [keys] = useState(requestKeys);
  const change = useMutation({
    mutationFn: async ({ step, why }: { step: Step; why: string }) => {
      const key = keys.of(rule.id, rule.version, step, why);
      const params = { path: { id: rule.id }, header: { "Idempotency-Key": key } };
      const asked = { params, body: { why } };
      const made =
        step === "stop"
          ? await answer(api.POST("/v1/rules/{id}/stop", asked))
          : await answer(api.POST("/v1/rules/{id}/rollback", asked));
      keys.done(key);
      return made;
    },
    onSuccess: async (made, { step }) => {
      form.resetFields();
      tell({ text: step === "stop" ? t.stopped : t.wentBack(made.version) });
      await client.invalidateQueries({ queryKey: ["rules"] });
    },
  });
  const ask = (step: Step): void =>
    void form.validateFields().then(
      ({ why }) => change.mutate({ step, why: why.trim() }),
      () => undefined,
    );
  const problem = change.error && asProblem(change.error);
  return (
    <section aria-label={t.change}>
      <h3>{t.change}</h3>
      <Form form={form} layout="vertical">
        <Form.Item name="why" label={t.why} rules={[{ required: true, whitespace: true, message: t.whyNeeded }]}>
          <Input.TextArea maxLength={500} rows={2} />
        </Form.Item>
        {problem && (
          <Alert
            type="error"
            showIcon
            role="alert"
            title={shared.problem.save}
            description={[problem.said(language), problem.reference && shared.problem.reference(problem.reference)]
              .filter(Boolean)
              .join(" · ")}
          />
        )}
        <div className={styles.steps}>
          {canGoBack && (
            <Button disabled={change.isPending} onClick={() => ask("rollback")}>
              {t.goBack}
            </Button>
          )}
          {rule.state === "active" && (
            <Button danger disabled={change.isPending} onClick={() => ask("stop")}>
              {t.stop}
            </Button>
          )}
        </div>
        <p className="kam-small kam-secondary">{t.whatStays}</p>
      </Form>
    </section>
  );
}
