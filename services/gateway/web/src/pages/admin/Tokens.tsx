import { PlusOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Form, Input, InputNumber } from "antd";
import { useState } from "react";
import { answer, api, type Schema } from "@/api/client";
import { requestKey } from "@/api/requestKey";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { SystemTime } from "@/components/Time";
import { WithPanel } from "@/components/WithPanel";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import styles from "./admin.module.css";
import { Effect } from "./Effect";
import { GrantItems } from "./GrantsField";
import { type GrantFields, grantOf, isWhole } from "./grants";
import { adminText } from "./messages";
import { Once } from "./Once";
import { ReasonField } from "./ReasonField";
import { Refusal } from "./Refusal";
import type { SectionProps } from "./section";
import { useSave } from "./useSave";

type Token = Schema<"TokenView">;

const NEW = "new";

export function Tokens({ id, open }: SectionProps) {
  const t = useText(adminText);
  const shared = useText(common);
  const [current, setCurrent] = useState<string>();
  const query = useQuery({
    queryKey: ["admin", "tokens"],
    queryFn: ({ signal }) => answer(api.GET("/v1/admin/tokens", { signal })),
  });
  useShortcuts([{ keys: "n", label: t.token.create, group: shared.shortcuts.list, run: () => open(NEW) }]);
  const columns: Column<Token>[] = [
    { key: "name", title: t.token.name, width: 180, render: token => token.name },
    { key: "role", title: t.grant.role, width: 110, render: token => shared.role[token.grant.role] },
    { key: "state", title: t.user.state, width: 90, render: token => t.token.states[token.state] },
    { key: "issued", title: t.token.issued, width: 130, render: token => <SystemTime at={token.issued_at} /> },
    { key: "expires", title: t.token.expires, width: 130, render: token => <SystemTime at={token.expires_at} /> },
  ];
  const chosen = query.data?.find(token => token.token_id === id);
  return (
    <WithPanel
      title={id === NEW ? t.token.create : chosen?.name}
      panel={id === NEW ? <Issue /> : chosen && <Revoke key={chosen.version} token={chosen} />}
      onClose={() => open(undefined)}
    >
      <div className={styles.bar}>
        <Button type="primary" icon={<PlusOutlined />} onClick={() => open(NEW)}>
          {t.token.create}
        </Button>
      </div>
      <QueryBlock
        query={query}
        what={t.token.list}
        skeleton={<Skeletons n={6} />}
        empty={tokens => (tokens.length === 0 ? <EmptyState text={t.token.none} /> : undefined)}
      >
        {tokens => (
          <DataTable
            label={t.token.list}
            rows={tokens}
            idOf={token => token.token_id}
            columns={columns}
            current={current ?? id}
            onCurrent={setCurrent}
            onOpen={token => open(token.token_id)}
          />
        )}
      </QueryBlock>
    </WithPanel>
  );
}

interface IssueFields {
  name: string;
  days: number;
  grant: GrantFields;
  reason: string;
}

function Issue() {
  const t = useText(adminText);
  const [form] = Form.useForm<IssueFields>();
  const [key, setKey] = useState(requestKey);
  const [issued, setIssued] = useState<Schema<"IssuedToken">>();
  const { save, isSaving, refusal } = useSave<Schema<"IssuedToken">>("tokens", form);
  const grant = Form.useWatch("grant", form) as Partial<GrantFields> | undefined;
  return (
    <Form<IssueFields>
      form={form}
      layout="vertical"
      className={styles.form}
      initialValues={{ days: 365, grant: { role: "integrator", reach: "whole" } }}
      onFinish={fields =>
        void save(
          () =>
            answer(
              api.POST("/v1/admin/tokens", {
                body: { ...fields, grant: grantOf(fields.grant) },
                params: { header: { "Idempotency-Key": key } },
              }),
            ),
          t.token.issuedDone,
          made => {
            setIssued(made);
            setKey(requestKey());
          },
        )
      }
    >
      <Form.Item name="name" label={t.token.name} rules={[{ required: true, pattern: /^[!-~]+$/ }]}>
        <Input maxLength={100} autoFocus />
      </Form.Item>
      <Form.Item name="days" label={t.token.days} rules={[{ required: true }]}>
        <InputNumber min={1} max={3660} />
      </Form.Item>
      <GrantItems path={["grant"]} />
      <Effect grants={isWhole(grant) ? [grantOf(grant)] : []} />
      <ReasonField />
      <Refusal problem={refusal} />
      {issued && <Once title={t.token.issuedDone} value={issued.token} until={issued.expires_at} />}
      <div className={styles.buttons}>
        <Button type="primary" htmlType="submit" loading={isSaving}>
          {t.token.create}
        </Button>
      </div>
    </Form>
  );
}

function Revoke({ token }: { token: Token }) {
  const t = useText(adminText);
  const [form] = Form.useForm<{ reason: string }>();
  const { save, isSaving, refusal } = useSave<Token>("tokens", form);
  const path = { id: token.token_id };
  return (
    <Form
      form={form}
      layout="vertical"
      className={styles.form}
      onFinish={({ reason }) =>
        void save(
          () =>
            answer(
              api.POST("/v1/admin/tokens/{id}/revoke", {
                body: { reason },
                params: { path, header: { "If-Match": `"${token.version}"` } },
              }),
            ),
          t.token.revoked(token.name),
        )
      }
    >
      <Effect grants={[token.grant]} />
      <p className="kam-secondary">
        {t.token.issued} <SystemTime at={token.issued_at} /> · {t.token.expires} <SystemTime at={token.expires_at} /> ·{" "}
        {token.author} · {token.reason}
      </p>
      {token.state === "active" && (
        <>
          <ReasonField />
          <Refusal problem={refusal} />
          <div className={styles.buttons}>
            <Button danger htmlType="submit" loading={isSaving}>
              {t.token.revoke}
            </Button>
          </div>
        </>
      )}
    </Form>
  );
}
