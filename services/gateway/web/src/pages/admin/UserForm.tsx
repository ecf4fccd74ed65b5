import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Form, Input, Radio } from "antd";
import { useState } from "react";
import { answer, api, type Schema, whole } from "@/api/client";
import { requestKey } from "@/api/requestKey";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { useText } from "@/i18n";
import styles from "./admin.module.css";
import { Effect } from "./Effect";
import { GrantsField } from "./GrantsField";
import { fieldsOf, type GrantFields, grantOf, isWhole } from "./grants";
import { History } from "./History";
import { adminText } from "./messages";
import { Once } from "./Once";
import { ReasonField } from "./ReasonField";
import { Refusal } from "./Refusal";
import type { SectionProps } from "./section";
import { useSave } from "./useSave";

type User = Schema<"UserView">;

interface Fields {
  staff_no: string;
  name: string;
  unit_id?: string;
  manager_id?: string;
  phone?: string;
  state: User["state"];
  grants: GrantFields[];
  reason: string;
}

interface Props {
  /** Absent: a new account. */
  staffNo: string | undefined;
  open: SectionProps["open"];
}

export function UserForm({ staffNo, open }: Props) {
  const t = useText(adminText);
  const query = useQuery({
    queryKey: ["admin", "users", "one", staffNo],
    queryFn: async ({ signal }) => {
      const path = { id: staffNo as string };
      const [{ data, response }, versions] = await Promise.all([
        whole(api.GET("/v1/admin/users/{id}", { params: { path }, signal })),
        answer(api.GET("/v1/admin/users/{id}/history", { params: { path }, signal })),
      ]);
      return { user: data, etag: response.headers.get("ETag") ?? "", versions };
    },
    enabled: staffNo !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (staffNo === undefined) {
    return <Editor open={open} />;
  }
  return (
    <QueryBlock query={query} what={t.user.list} skeleton={<Skeletons n={8} />}>
      {({ user, etag, versions }) => (
        <>
          <Editor key={etag} user={user} etag={etag} open={open} />
          <History versions={versions} />
        </>
      )}
    </QueryBlock>
  );
}

function Editor({ user, etag, open }: { user?: User; etag?: string; open: SectionProps["open"] }) {
  const t = useText(adminText);
  const client = useQueryClient();
  const [form] = Form.useForm<Fields>();
  const [key] = useState(requestKey);
  const { save, isSaving, refusal, forget } = useSave<User>("users", form);
  const [link, setLink] = useState<Schema<"ResetLink">>();
  const grants = (Form.useWatch("grants", form) as GrantFields[] | undefined)?.filter(isWhole).map(grantOf) ?? [];
  const reason = (Form.useWatch("reason", form) as string | undefined)?.trim() ?? "";

  const send = (fields: Fields, version: string | undefined): Promise<void> => {
    const body = {
      name: fields.name,
      unit_id: fields.unit_id?.trim() || null,
      manager_id: fields.manager_id?.trim() || null,
      phone: fields.phone?.trim() || null,
      grants: fields.grants.map(grantOf),
      reason: fields.reason,
    };
    const header = { "Idempotency-Key": key };
    if (!user) {
      return save(
        () => answer(api.POST("/v1/admin/users", { body: { ...body, staff_no: fields.staff_no }, params: { header } })),
        t.user.created(fields.name),
        made => open(made.staff_no),
      );
    }
    return save(
      () =>
        answer(
          api.PUT("/v1/admin/users/{id}", {
            body: { ...body, state: fields.state },
            params: { path: { id: user.staff_no }, header: { "If-Match": version } },
          }),
        ),
      t.saved,
    );
  };
  const theirs = async (): Promise<void> => {
    forget();
    await client.invalidateQueries({ queryKey: ["admin", "users", "one", user?.staff_no] });
  };
  const mine = async (): Promise<void> => {
    const id = (user as User).staff_no;
    const newest = await whole(api.GET("/v1/admin/users/{id}", { params: { path: { id } } }));
    await send(form.getFieldsValue(true), newest.response.headers.get("ETag") ?? etag);
  };
  const reset = async (): Promise<void> => {
    const id = (user as User).staff_no;
    setLink(await answer(api.POST("/v1/admin/users/{id}/reset", { body: { reason }, params: { path: { id } } })));
  };
  const signOut = (): Promise<void> =>
    save(
      async () => {
        const person = user as User;
        await answer(
          api.POST("/v1/admin/users/{id}/sign-out", { body: { reason }, params: { path: { id: person.staff_no } } }),
        );
        return person;
      },
      t.user.signedOut((user as User).name),
    );

  return (
    <Form<Fields>
      form={form}
      layout="vertical"
      className={styles.form}
      initialValues={
        user
          ? { ...user, phone: undefined, grants: user.grants?.map(fieldsOf), reason: "" }
          : { state: "active", grants: [{ role: "manager", reach: "own" }] }
      }
      onFinish={fields => void send(fields, etag)}
    >
      {!user && (
        <Form.Item
          name="staff_no"
          label={t.user.staffNo}
          rules={[{ required: true }]}
          {...(refusal?.field === "staff_no" ? { validateStatus: "error" as const } : {})}
        >
          <Input maxLength={64} autoFocus />
        </Form.Item>
      )}
      <Form.Item name="name" label={t.user.name} rules={[{ required: true }]}>
        <Input maxLength={100} />
      </Form.Item>
      <Form.Item name="unit_id" label={t.user.unit}>
        <Input maxLength={64} placeholder={t.optional} />
      </Form.Item>
      <Form.Item name="manager_id" label={t.user.manager}>
        <Input maxLength={64} placeholder={t.optional} />
      </Form.Item>
      <Form.Item name="phone" label={t.user.phone} extra={t.user.phoneHint}>
        <Input maxLength={20} placeholder={user?.phone ?? t.optional} inputMode="tel" />
      </Form.Item>
      {user && (
        <Form.Item name="state" label={t.user.state}>
          <Radio.Group
            options={(["active", "disabled"] as const).map(value => ({ value, label: t.user.states[value] }))}
          />
        </Form.Item>
      )}
      <GrantsField />
      <Effect grants={grants} />
      <ReasonField />
      <Refusal problem={refusal} onMine={user && (() => void mine())} onTheirs={() => void theirs()} />
      {link && (
        <Once title={t.user.resetDone} value={new URL(link.link, location.origin).href} until={link.expires_at} />
      )}
      <div className={styles.buttons}>
        <Button type="primary" htmlType="submit" loading={isSaving}>
          {t.save}
        </Button>
        {user && (
          <>
            <Button disabled={!reason || user.state !== "active"} onClick={() => void reset()}>
              {t.user.reset}
            </Button>
            <Button disabled={!reason} onClick={() => void signOut()}>
              {t.user.signOut}
            </Button>
          </>
        )}
      </div>
    </Form>
  );
}
