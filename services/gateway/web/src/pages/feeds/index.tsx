import { Badge, Segmented } from "antd";
import { useLocation, useNavigate, useParams } from "react-router";
import { Page } from "@/components/Page";
import { useText } from "@/i18n";
import { Events } from "./Events";
import { Files } from "./Files";
import { Letters } from "./Letters";
import { feedsText } from "./messages";
import { useLetters } from "./queries";

const TABS = { files: Files, events: Events, letters: Letters };
type Tab = keyof typeof TABS;
const SECTIONS: Readonly<Record<string, Tab>> = { files: "files", "dead-letters": "letters" };

/** What comes in: files of a business day, live events, dead letters. */
export default function Feeds() {
  const t = useText(feedsText);
  const navigate = useNavigate();
  const { search } = useLocation();
  const { section, id } = useParams();
  const asked = new URLSearchParams(search).get("tab") ?? "";
  const tab: Tab = SECTIONS[section ?? ""] ?? (Object.hasOwn(TABS, asked) ? (asked as Tab) : "files");
  const letters = useLetters();
  const waiting = letters.data?.rows.length ?? 0;
  const Shown = TABS[tab];
  return (
    <Page
      title={t.title}
      fill
      extra={
        <Segmented<Tab>
          value={tab}
          options={(Object.keys(TABS) as Tab[]).map(value => ({
            value,
            label:
              value === "letters" && waiting > 0 ? (
                <>
                  {t.tabs.letters} <Badge count={waiting} overflowCount={999} size="small" />
                </>
              ) : (
                t.tabs[value]
              ),
          }))}
          onChange={next => void navigate(next === "files" ? "/feeds" : `/feeds?tab=${next}`)}
        />
      }
    >
      <Shown id={id} />
    </Page>
  );
}
