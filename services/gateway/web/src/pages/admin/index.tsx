import { Segmented } from "antd";
import { useLocation, useNavigate, useParams } from "react-router";
import { Page } from "@/components/Page";
import { useText } from "@/i18n";
import { AuditTrail } from "./AuditTrail";
import { adminText } from "./messages";
import { Roles } from "./Roles";
import { Tokens } from "./Tokens";
import { Units } from "./Units";
import { Users } from "./Users";

const SECTIONS = { users: Users, units: Units, roles: Roles, tokens: Tokens, audit: AuditTrail };
type Section = keyof typeof SECTIONS;

/** Accounts, units, roles, tokens and the audit log: `/admin/<section>/<id>`. */
export default function Admin() {
  const t = useText(adminText);
  const navigate = useNavigate();
  const { pathname, search } = useLocation();
  const { section: asked, id } = useParams();
  const section: Section = asked && Object.hasOwn(SECTIONS, asked) ? (asked as Section) : "users";
  const Shown = SECTIONS[section];
  const open = (item: string | undefined): void => {
    void navigate({ pathname: item ? `/admin/${section}/${encodeURIComponent(item)}` : `/admin/${section}`, search });
  };
  return (
    <Page
      title={t.title}
      fill
      wraps
      extra={
        <Segmented<Section>
          value={section}
          options={(Object.keys(SECTIONS) as Section[]).map(value => ({ value, label: t.sections[value] }))}
          onChange={next => void navigate(`/admin/${next}`)}
        />
      }
    >
      <Shown key={section} id={pathname === "/admin" ? undefined : id} open={open} />
    </Page>
  );
}
