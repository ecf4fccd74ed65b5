import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Checkbox, Form, Input } from "antd";
import { type ReactNode, useState } from "react";
import { asProblem } from "@/api/client";
import { requestKeys } from "@/api/requestKey";
import { DateField } from "@/dates/DateField";
import { dayOf } from "@/format";
import { businessNow } from "@/habits/clock";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText } from "@/i18n";
import { activate, type KindOf, keyOf, rollBack, stop, takeBack } from "./api";
import styles from "./documents.module.css";
import { documentsText } from "./messages";
import { canGoBack, inForce, type Tried, type Version } from "./model";

type Step = "activate" | "rollback" | "stop" | "takeBack";

interface Props {
  kind: string;
  about: KindOf;
  version: Version;
  versions: readonly Version[];
  /** It must have been tried before it may be activated. */
  needsTrial?: boolean;
  /** What else can be done with it, beside the buttons. */
  more?: ReactNode;
}

const DAY_MS = 86_400_000;

/** What is done with a version, with a reason: into force now or on a day, back to what was before, nothing any more. */
export function Change({ kind, about, version, versions, needsTrial = false, more }: Props) {
  const t = useText(documentsText);
  const shared = useText(common);
  const language = useLanguage();
  const client = useQueryClient();
  const { tell } = useUndo();
  const [form] = Form.useForm<{ why: string }>();
  const [keys] = useState(requestKeys);
  const [day, setDay] = useState<string | null>("");
  const [shadow, setShadow] = useState(false);
  const made = useMutation({
    mutationFn: async ({ step, why }: { step: Step; why: string }) => {
      const asked = { why, ...(day ? { on: day } : {}), ...(shadow ? { shadow } : {}) };
      const key = keys.of(kind, version.id, version.version, step, asked);
      const done = await (step === "activate"
        ? activate(kind, version.id, version.version, asked, key)
        : step === "takeBack"
          ? takeBack(kind, version.id, version.version, why)
          : step === "rollback"
            ? rollBack(kind, version.id, why, key)
            : stop(kind, version.id, { why, ...(version.state === "shadow" ? { shadow: true } : {}) }, key));
      keys.done(key);
      return done;
    },
    onSuccess: async (done, { step }) => {
      const n = done.version;
      form.resetFields();
      setDay("");
      tell({
        text:
          step === "stop"
            ? t.stopped
            : step === "rollback"
              ? t.wentBack(n)
              : step === "takeBack"
                ? t.tookBack(n)
                : day
                  ? t.waits(n, day)
                  : shadow
                    ? t.inShadow(n)
                    : t.activated(n),
      });
      await client.invalidateQueries({ queryKey: keyOf(kind) });
    },
  });
  const ask = (step: Step): void =>
    void form.validateFields().then(
      ({ why }) => made.mutate({ step, why: why.trim() }),
      () => undefined,
    );
  const { state } = version;
  const tried = version.tried as unknown as Tried | null;
  const isUntried = needsTrial && !tried;
  const now = inForce(versions);
  const mayActivate = state !== "active";
  const mayGoBack = (state === "active" || state === "stopped") && canGoBack(versions);
  const mayStop = about.may_stop && (state === "active" || state === "shadow");
  if (!(mayActivate || mayGoBack || mayStop || more)) {
    return null;
  }
  const problem = made.error && asProblem(made.error);
  const called = (n: number | null | undefined): string => (n ? `v${n}` : t.nothing);
  return (
    <section aria-label={t.change} className={styles.change}>
      <h3>{t.change}</h3>
      {state === "scheduled" && <p>{t.scheduled(version.version, version.active_from ?? "")}</p>}
      {mayActivate && isUntried && <Alert type="info" showIcon title={t.tryFirst} />}
      {mayActivate && needsTrial && tried && tried.against !== (now?.version ?? null) && (
        <Alert type="warning" showIcon title={t.triedAgainst(called(tried.against), called(now?.version))} />
      )}
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
        {mayActivate && (
          <div className={styles.steps}>
            <span className={styles.field}>
              <span className={styles.label}>{t.day}</span>
              <DateField
                label={t.day}
                value={day ?? ""}
                min={dayOf(businessNow() + DAY_MS)}
                allowClear
                onChange={setDay}
              />
            </span>
            {about.has_shadow && (
              <Checkbox checked={shadow} onChange={event => setShadow(event.target.checked)}>
                {t.shadow}
              </Checkbox>
            )}
          </div>
        )}
        <div className={styles.steps}>
          {mayActivate && (
            <Button
              type="primary"
              disabled={isUntried || day === null || made.isPending}
              onClick={() => ask("activate")}
            >
              {t.activateVersion(version.version, day ?? "")}
            </Button>
          )}
          {state === "scheduled" && (
            <Button disabled={made.isPending} onClick={() => ask("takeBack")}>
              {t.takeBack}
            </Button>
          )}
          {mayGoBack && (
            <Button disabled={made.isPending} onClick={() => ask("rollback")}>
              {t.goBack}
            </Button>
          )}
          {mayStop && (
            <Button danger disabled={made.isPending} onClick={() => ask("stop")}>
              {t.stop}
            </Button>
          )}
          {more}
        </div>
        <p className="kam-small kam-secondary">{t.whatStays}</p>
      </Form>
    </section>
  );
}
