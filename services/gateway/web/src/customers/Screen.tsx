import { MessageOutlined, PhoneOutlined } from "@ant-design/icons";
import { Button, Drawer, Popover, Tabs } from "antd";
import { type ReactElement, type ReactNode, useState } from "react";
import { useSearchParams } from "react-router";
import { AsOf } from "@/components/Freshness";
import { Hold } from "@/components/Hold";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { useBreadth } from "@/habits/element";
import { OverPage, useShortcuts } from "@/habits/shortcuts";
import { common, useText, word } from "@/i18n";
import { StaleNote } from "@/lists/StaleNote";
import { useMe } from "@/session/session";
import { AlertLines } from "./AlertLines";
import { Ages, Bills, Complaints, Contracts, Payments, Requests } from "./Billing";
import styles from "./customer.module.css";
import { Changes, Profile } from "./Details";
import { Head, type Revealed, useRevealed } from "./Head";
import { LogContact } from "./LogContact";
import { customerText } from "./messages";
import { SmsBox } from "./SmsBox";
import { TimelineList } from "./TimelineList";
import { type Account, useAccount, useRefreshed, useView, type View } from "./useCustomer";

/** Who may only look. */
const LOOKING = ["analyst"];
/** Who writes to customers. */
const WRITING = ["manager", "head", "city_head"];
const MARKS = 60;
const TABS = ["overview", "billing", "contracts", "history", "profile"] as const;

/** One customer, whole: `banner` stands above, for a call. */
export function Screen({ id, banner }: { id: string; banner?: ReactNode }) {
  const t = useText(customerText);
  const shared = useText(common);
  const query = useView(id);
  const [revealed, show] = useRevealed();
  const me = useMe();
  const isOpen = Object.keys(revealed).length > 0;
  return (
    <Page
      title={shared.nav.customer}
      extra={<AsOf at={query.data?.as_of} secondsBehind={query.data?.seconds_behind ?? 0} />}
    >
      {banner}
      <QueryBlock query={query} what={t.head} skeleton={<Bones />}>
        {view => <Loaded key={id} view={view} revealed={revealed} onReveal={show} />}
      </QueryBlock>
      {isOpen && <Watermark text={me.staff_no} />}
    </Page>
  );
}

/** Whose screen it is, all over it while something is unmasked. Not antd's: it writes a style attribute. */
function Watermark({ text }: { text: string }) {
  return (
    <div className={styles.watermark} aria-hidden>
      {Array.from({ length: MARKS }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
        <span key={at}>{text}</span>
      ))}
    </div>
  );
}

function Bones() {
  return (
    <div className={styles.grid}>
      <div className={styles.main}>
        <Skeletons n={1} height={72} />
        <Skeletons n={2} height={120} />
      </div>
      <div className={styles.side}>
        <Skeletons n={6} height={44} />
      </div>
    </div>
  );
}

type Loading = { view: View; revealed: Revealed; onReveal: (field: string, value: string, seconds: number) => void };

function Loaded({ view, revealed, onReveal }: Loading) {
  const t = useText(customerText);
  const shared = useText(common);
  const id = view.customer.customer_id;
  const me = useMe();
  const isPhone = useBreadth() === "phone";
  const refresh = useRefreshed(id);
  const [open, setOpen] = useState<"log" | "sms">();
  const mayAct = !LOOKING.includes(me.role);
  const mayWrite = WRITING.includes(me.role);
  const done = (): void => {
    setOpen(undefined);
    refresh();
  };
  useShortcuts([
    ...(mayAct ? [{ keys: "l", label: t.log, group: t.head, run: () => setOpen("log") }] : []),
    ...(mayWrite ? [{ keys: "s", label: t.sms, group: t.head, run: () => setOpen("sms") }] : []),
  ]);
  const name = view.customer.customer_name ?? id;
  const buttons = (
    <>
      {isPhone && revealed.phone && (
        <Button icon={<PhoneOutlined />} href={`tel:${revealed.phone}`}>
          {t.callPhone}
        </Button>
      )}
      {mayWrite && (
        <Box
          title={t.smsTitle(name)}
          open={open === "sms"}
          onOpenChange={isOpen => setOpen(isOpen ? "sms" : undefined)}
          content={<SmsBox customerId={id} onDone={done} />}
        >
          <Button icon={<MessageOutlined />} className={styles.action}>
            {t.sms} <kbd>s</kbd>
          </Button>
        </Box>
      )}
      {mayAct && (
        <Box
          title={t.logTitle(name)}
          open={open === "log"}
          onOpenChange={isOpen => setOpen(isOpen ? "log" : undefined)}
          content={<LogContact customerId={id} onDone={done} />}
        >
          <Button type="primary" className={styles.action}>
            {t.log} <kbd>l</kbd>
          </Button>
        </Box>
      )}
    </>
  );
  return (
    <>
      <Head view={view} revealed={revealed} onReveal={onReveal} actions={!isPhone && buttons} />
      <StaleNote asOf={view.as_of} secondsBehind={view.seconds_behind} isRebuilding={view.rebuilding} />
      {view.missing.length > 0 && (
        <output className={styles.missing}>
          {t.missing(view.missing.map(each => word(t.service, each)).join(shared.comma))}
        </output>
      )}
      {isPhone ? (
        <Phone
          view={view}
          revealed={revealed}
          onReveal={onReveal}
          refresh={refresh}
          mayAct={mayAct}
          onLog={() => setOpen("log")}
        />
      ) : (
        <div className={styles.grid}>
          <div className={styles.main}>
            <AlertLines view={view} mayAct={mayAct} onDone={refresh} />
            <Sections view={view} revealed={revealed} onReveal={onReveal} />
          </div>
          <aside className={styles.side}>
            <TimelineList view={view} onLog={mayAct ? () => setOpen("log") : undefined} />
          </aside>
        </div>
      )}
      {isPhone && (mayAct || mayWrite) && <div className={styles.bottom}>{buttons}</div>}
    </>
  );
}

/** What a button opens: beside it, on a phone from below. */
function Box(props: {
  title: string;
  content: ReactNode;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  children: ReactElement;
}) {
  const isPhone = useBreadth() === "phone";
  if (isPhone) {
    return (
      <>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the button inside is what is pressed */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: as above */}
        <span className={styles.opener} onClick={() => props.onOpenChange(true)}>
          {props.children}
        </span>
        <Drawer
          placement="bottom"
          size="large"
          title={props.title}
          open={props.open}
          onClose={() => props.onOpenChange(false)}
        >
          {props.open && props.content}
        </Drawer>
      </>
    );
  }
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      destroyOnHidden
      title={props.title}
      open={props.open}
      onOpenChange={props.onOpenChange}
      content={
        props.open && (
          <OverPage>
            <Hold onEscape={() => props.onOpenChange(false)} />
            {props.content}
          </OverPage>
        )
      }
    >
      {props.children}
    </Popover>
  );
}

/** The tabs; what stands behind them is read when it is looked at. */
function Sections({ view, revealed, onReveal }: Loading) {
  const t = useText(customerText);
  const [query, setQuery] = useSearchParams();
  const asked = query.get("tab");
  const tab = TABS.find(each => each === asked) ?? "overview";
  const id = view.customer.customer_id;
  const account = useAccount(id);
  const block = (content: (account: Account) => ReactNode, height: number): ReactNode => (
    <QueryBlock query={account} what={t.billing} skeleton={<Skeletons n={1} height={height} />}>
      {content}
    </QueryBlock>
  );
  const contents = {
    overview: () => (
      <>
        {block(
          found => (
            <Bills account={found} />
          ),
          340,
        )}
        {block(
          found => (
            <div className={styles.pair}>
              <Ages account={found} />
              <Contracts account={found} />
            </div>
          ),
          160,
        )}
      </>
    ),
    billing: () => (
      <>
        {block(
          found => (
            <Bills account={found} />
          ),
          340,
        )}
        {block(
          found => (
            <div className={styles.pair}>
              <Ages account={found} />
              <Payments account={found} />
            </div>
          ),
          220,
        )}
      </>
    ),
    contracts: () =>
      block(
        found => (
          <>
            <Contracts account={found} />
            <Complaints account={found} />
            <Requests account={found} />
          </>
        ),
        240,
      ),
    history: () => <Changes id={id} />,
    profile: () => <Profile view={view} revealed={revealed} onReveal={onReveal} />,
  };
  return (
    <>
      <Tabs
        activeKey={tab}
        className={styles.tabs}
        items={TABS.map(key => ({ key, label: t.tabs[key] }))}
        onChange={next =>
          setQuery(
            last => {
              if (next === "overview") {
                last.delete("tab");
              } else {
                last.set("tab", next);
              }
              return last;
            },
            { replace: true },
          )
        }
      />
      <div className={styles.sections}>{contents[tab]()}</div>
    </>
  );
}

/** In the order in which they are wanted on the way to a customer. */
function Phone(props: Loading & { refresh: () => void; mayAct: boolean; onLog: () => void }) {
  const t = useText(customerText);
  const { view } = props;
  const id = view.customer.customer_id;
  const account = useAccount(id);
  const [isMore, setMore] = useState(false);
  return (
    <div className={styles.main}>
      <AlertLines view={view} mayAct={props.mayAct} onDone={props.refresh} />
      <TimelineList view={view} first={5} onLog={props.mayAct ? props.onLog : undefined} />
      <QueryBlock query={account} what={t.billing} skeleton={<Skeletons n={3} height={140} />}>
        {found => (
          <>
            <Ages account={found} />
            <Bills account={found} />
            <Contracts account={found} />
            <Complaints account={found} />
          </>
        )}
      </QueryBlock>
      {isMore ? (
        <>
          <Profile view={view} revealed={props.revealed} onReveal={props.onReveal} />
          <Changes id={id} />
        </>
      ) : (
        <Button block onClick={() => setMore(true)}>
          {t.more}
        </Button>
      )}
    </div>
  );
}
