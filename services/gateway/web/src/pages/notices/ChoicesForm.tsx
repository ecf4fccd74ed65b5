import { Alert, Button, Checkbox, Form, Input, Radio, Switch } from "antd";
import { useState } from "react";
import { answer, api, asProblem, type Problem } from "@/api/client";
import { requestKey } from "@/api/requestKey";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText, word } from "@/i18n";
import { CHANNELS, type Channel, choicesOf, type Fields, fieldsOf, KINDS, type Notices } from "./choices";
import { noticesText } from "./messages";
import styles from "./notices.module.css";
import { TimeSelect } from "./TimeSelect";

interface Props {
  notices: Notices;
  etag: string;
  /** Something was saved or sent, or is to be read anew. */
  onChanged: () => Promise<unknown>;
}

/** One's choices; what the server refuses stands at its field. */
export function ChoicesForm({ notices, etag, onChanged }: Props) {
  const t = useText(noticesText);
  const shared = useText(common);
  const { tell } = useUndo();
  const [form] = Form.useForm<Fields>();
  const [isSaving, setSaving] = useState(false);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  const isQuiet = Form.useWatch("isQuiet", form) as boolean | undefined;
  const missing = (channel: string) => notices.channels.find(each => each.channel === channel)?.missing;
  const options = CHANNELS.map(value => ({ value, label: word(t.channel, value), disabled: Boolean(missing(value)) }));

  const ask = async (asked: () => Promise<unknown>, done: string): Promise<void> => {
    setSaving(true);
    setRefusal(null);
    try {
      await asked();
      await onChanged();
      tell({ text: done });
    } catch (error) {
      setRefusal(asProblem(error));
    } finally {
      setSaving(false);
    }
  };
  const save = (fields: Fields): Promise<void> =>
    ask(
      () => answer(api.PUT("/v1/me/notices", { body: choicesOf(fields), params: { header: { "If-Match": etag } } })),
      t.saved,
    );
  const test = (channel: Channel): Promise<void> =>
    ask(
      () =>
        answer(
          api.POST("/v1/me/notices/test", {
            body: { channel },
            params: { header: { "Idempotency-Key": requestKey() } },
          }),
        ),
      t.testing,
    );
  const faulty = (field: string) => (refusal?.field?.startsWith(field) ? { validateStatus: "error" as const } : {});

  return (
    <Form<Fields>
      form={form}
      layout="vertical"
      className={styles.form}
      initialValues={fieldsOf(notices.preferences)}
      onFinish={fields => void save({ ...fieldsOf(notices.preferences), ...fields })}
    >
      <fieldset className={styles.part}>
        <legend>{t.where}</legend>
        <Address channel="mail" notices={notices} test={test} isBusy={isSaving}>
          <Form.Item name="mail_address" label={t.mail} {...faulty("mail_address")}>
            <Input type="email" maxLength={254} autoComplete="email" />
          </Form.Item>
        </Address>
        <Address channel="wecom" notices={notices} test={test} isBusy={isSaving}>
          <Form.Item name="wecom_webhook" label={t.wecom} extra={t.wecomHint} {...faulty("wecom_webhook")}>
            <Input maxLength={500} autoComplete="off" spellCheck={false} />
          </Form.Item>
        </Address>
        <Missing name={t.sms} missing={missing("sms")} />
      </fieldset>
      <fieldset className={styles.part}>
        <legend>{t.urgent}</legend>
        <p className="kam-secondary kam-small">{t.urgentHint}</p>
        <Form.Item name={["urgent", "channels"]} label={t.by} {...faulty("urgent.channels")}>
          <Checkbox.Group options={options} />
        </Form.Item>
        <Form.Item name={["urgent", "severity"]} label={t.severity}>
          <Radio.Group
            options={(["critical", "major"] as const).map(value => ({ value, label: t.severities[value] }))}
          />
        </Form.Item>
        <Form.Item name={["urgent", "kinds"]} label={t.kinds}>
          <Checkbox.Group options={KINDS.map(value => ({ value, label: word(shared.kindLong, value) }))} />
        </Form.Item>
      </fieldset>
      <fieldset className={styles.part}>
        <legend>{t.digest}</legend>
        <p className="kam-secondary kam-small">{t.digestHint}</p>
        <Form.Item name={["digest", "channels"]} label={t.by} {...faulty("digest.channels")}>
          <Checkbox.Group options={options} />
        </Form.Item>
        <Form.Item name={["digest", "at"]} label={t.digestAt} rules={[{ required: true }]}>
          <TimeSelect label={t.digestAt} />
        </Form.Item>
      </fieldset>
      <fieldset className={styles.part}>
        <legend>{t.quiet}</legend>
        <p className="kam-secondary kam-small">{t.quietHint}</p>
        <Form.Item name="isQuiet" label={t.isQuiet} valuePropName="checked">
          <Switch />
        </Form.Item>
        <div className={styles.times}>
          {(["begins", "ends"] as const).map(name => (
            <Form.Item key={name} name={["quiet", name]} label={t[name]} rules={[{ required: true }]}>
              <TimeSelect label={t[name]} disabled={isQuiet === false} />
            </Form.Item>
          ))}
        </div>
      </fieldset>
      <Form.Item name="language" label={t.language}>
        <Radio.Group
          options={[
            { value: "zh", label: "中文" },
            { value: "en", label: "English" },
          ]}
        />
      </Form.Item>
      <Refused problem={refusal} onTheirs={() => void onChanged()} />
      <div>
        <Button type="primary" htmlType="submit" loading={isSaving}>
          {t.save}
        </Button>
      </div>
    </Form>
  );
}

interface AddressProps {
  channel: Channel;
  notices: Notices;
  test: (channel: Channel) => Promise<void>;
  isBusy: boolean;
  children: React.ReactNode;
}

/** Where a channel leads to, with a test once that is saved, or why it can't be used. */
function Address({ channel, notices, test, isBusy, children }: AddressProps) {
  const t = useText(noticesText);
  const missing = notices.channels.find(each => each.channel === channel)?.missing;
  const { mail_address, wecom_webhook } = notices.preferences;
  const isThere = Boolean(channel === "mail" ? mail_address : wecom_webhook);
  return (
    <div>
      <div className={styles.address}>
        {children}
        {isThere && !missing && (
          <Button disabled={isBusy} onClick={() => void test(channel)}>
            {t.test(word(t.channel, channel))}
          </Button>
        )}
      </div>
      <Missing name={word(t.channel, channel)} missing={missing} />
    </div>
  );
}

function Missing({ name, missing }: { name: string; missing: { zh: string; en: string } | null | undefined }) {
  const language = useLanguage();
  return missing ? (
    <p className="kam-secondary kam-small">
      {name}: {missing[language]}
    </p>
  ) : null;
}

function Refused({ problem, onTheirs }: { problem: Problem | null; onTheirs: () => void }) {
  const t = useText(noticesText);
  const shared = useText(common);
  const language = useLanguage();
  if (!problem) {
    return null;
  }
  const reference = problem.reference && shared.problem.reference(problem.reference);
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={problem.status === 0 ? shared.problem.noAnswer : problem.said(language) || shared.problem.save}
      description={reference}
      action={
        problem.status === 412 && (
          <Button size="small" onClick={onTheirs}>
            {t.theirs}
          </Button>
        )
      }
    />
  );
}
