import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Checkbox, Form, Input, Radio } from "antd";
import { useState } from "react";
import { answer, api, type Schema, whole } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { SystemTime } from "@/components/Time";
import { WithPanel } from "@/components/WithPanel";
import { common, useLanguage, useText } from "@/i18n";
import styles from "./admin.module.css";
import { Effect } from "./Effect";
import { History } from "./History";
import { adminText } from "./messages";
import { ReasonField } from "./ReasonField";
import { Refusal } from "./Refusal";
import { type Draft, draftOf, FIELD_CLASSES, showingOf, VERBS, withRight, withShowing } from "./rights";
import type { SectionProps } from "./section";
import { useSave } from "./useSave";

type Role = Schema<"RoleView">;

export function Roles({ id, open }: SectionProps) {
  const t = useText(adminText);
  const shared = useText(common);
  const language = useLanguage();
  const [current, setCurrent] = useState<string>();
  const query = useQuery({
    queryKey: ["admin", "roles"],
    queryFn: ({ signal }) => answer(api.GET("/v1/admin/roles", { signal })),
  });
  const columns: Column<Role>[] = [
    {
      key: "name",
      title: t.grant.role,
      width: 140,
      render: role => (language === "zh" ? role.name_zh : role.name_en),
    },
    {
      key: "rights",
      title: t.role.area,
      width: 420,
      render: role =>
        (Object.entries(role.rights) as [keyof typeof t.role.areas, readonly string[]][])
          .filter(([, verbs]) => verbs.length > 0)
          .map(([area]) => t.role.areas[area])
          .join(shared.comma),
    },
    {
      key: "at",
      title: t.changedAt,
      width: 160,
      render: role => (role.version === 0 ? t.asDelivered : <SystemTime at={role.at} />),
    },
  ];
  const chosen = query.data?.find(role => role.role === id);
  return (
    <WithPanel
      title={chosen && (language === "zh" ? chosen.name_zh : chosen.name_en)}
      panel={chosen && <RolePanel key={chosen.role} role={chosen.role} />}
      onClose={() => open(undefined)}
    >
      <QueryBlock query={query} what={t.role.list} skeleton={<Skeletons n={7} />}>
        {roles => (
          <DataTable
            label={t.role.list}
            rows={roles}
            idOf={role => role.role}
            columns={columns}
            current={current ?? id}
            onCurrent={setCurrent}
            onOpen={role => open(role.role)}
          />
        )}
      </QueryBlock>
    </WithPanel>
  );
}

function RolePanel({ role }: { role: Role["role"] }) {
  const t = useText(adminText);
  const query = useQuery({
    queryKey: ["admin", "roles", role],
    queryFn: async ({ signal }) => {
      const path = { id: role };
      const [{ data, response }, versions] = await Promise.all([
        whole(api.GET("/v1/admin/roles/{id}", { params: { path }, signal })),
        answer(api.GET("/v1/admin/roles/{id}/history", { params: { path }, signal })),
      ]);
      return { view: data, etag: response.headers.get("ETag") ?? "", versions };
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <QueryBlock query={query} what={t.role.list} skeleton={<Skeletons n={10} />}>
      {({ view, etag, versions }) => (
        <>
          <RoleEditor key={etag} role={view} etag={etag} />
          <History versions={versions} />
        </>
      )}
    </QueryBlock>
  );
}

function RoleEditor({ role, etag }: { role: Role; etag: string }) {
  const t = useText(adminText);
  const shared = useText(common);
  const client = useQueryClient();
  const [form] = Form.useForm<{ reason: string }>();
  const [draft, setDraft] = useState<Draft>(() => draftOf(role));
  const { save, isSaving, refusal, forget } = useSave<Role>("roles", form);
  const send = (reason: string, version: string): Promise<void> =>
    save(
      () =>
        answer(
          api.PUT("/v1/admin/roles/{id}", {
            body: { ...draft, reason },
            params: { path: { id: role.role }, header: { "If-Match": version } },
          }),
        ),
      t.saved,
    );
  const mine = async (): Promise<void> => {
    const newest = await whole(api.GET("/v1/admin/roles/{id}", { params: { path: { id: role.role } } }));
    await send(form.getFieldValue("reason"), newest.response.headers.get("ETag") ?? etag);
  };
  return (
    <Form
      form={form}
      layout="vertical"
      className={styles.form}
      onFinish={({ reason }: { reason: string }) => void send(reason, etag)}
    >
      <Form.Item label={t.role.nameZh} htmlFor="role-zh">
        <Input
          id="role-zh"
          maxLength={40}
          value={draft.name_zh}
          onChange={event => setDraft({ ...draft, name_zh: event.target.value })}
        />
      </Form.Item>
      <Form.Item label={t.role.nameEn} htmlFor="role-en">
        <Input
          id="role-en"
          maxLength={40}
          value={draft.name_en}
          onChange={event => setDraft({ ...draft, name_en: event.target.value })}
        />
      </Form.Item>
      <table className={styles.rights}>
        <thead>
          <tr>
            <th scope="col">{t.role.area}</th>
            {VERBS.map(verb => (
              <th key={verb} scope="col">
                {t.role.verbs[verb]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(Object.keys(t.role.areas) as (keyof typeof t.role.areas)[]).map(area => (
            <tr key={area}>
              <th scope="row">{t.role.areas[area]}</th>
              {VERBS.map(verb => (
                <td key={verb}>
                  <Checkbox
                    aria-label={`${t.role.areas[area]} ${t.role.verbs[verb]}`}
                    checked={draft.rights[area]?.includes(verb) ?? false}
                    onChange={event => setDraft(withRight(draft, area, verb, event.target.checked))}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <section className={styles.grants} aria-label={t.role.fields}>
        <h3>{t.role.fields}</h3>
        {FIELD_CLASSES.map(field => (
          <div key={field} className={styles.field}>
            <span id={`field-${field}`}>{t.role.classes[field]}</span>
            <Radio.Group
              aria-labelledby={`field-${field}`}
              size="small"
              optionType="button"
              value={showingOf(draft, field)}
              options={(["masked", "reveal", "clear"] as const).map(value => ({
                value,
                label: t.role.showings[value],
              }))}
              onChange={event => setDraft(withShowing(draft, field, event.target.value))}
            />
          </div>
        ))}
      </section>
      <Effect grants={[]} role={{ ...draft, role: role.role }} />
      <ReasonField />
      <Refusal
        problem={refusal}
        onMine={() => void mine()}
        onTheirs={() => {
          forget();
          void client.invalidateQueries({ queryKey: ["admin", "roles", role.role] });
        }}
      />
      <div className={styles.buttons}>
        <Button type="primary" htmlType="submit" loading={isSaving}>
          {t.save}
        </Button>
        <Button onClick={() => setDraft(draftOf(role))}>{shared.action.undo}</Button>
      </div>
    </Form>
  );
}
