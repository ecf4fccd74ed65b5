import { EllipsisOutlined, MenuFoldOutlined, MenuUnfoldOutlined } from "@ant-design/icons";
import { Badge, Button, Drawer } from "antd";
import { useState } from "react";
import { NavLink, useLocation } from "react-router";
import { useBreadth } from "@/habits/element";
import { rememberedPath } from "@/habits/filters";
import { setPreferences, usePreferences } from "@/habits/preferences";
import { common, useText } from "@/i18n";
import { useMe } from "@/session/session";
import styles from "./navigation.module.css";
import { entriesOf, type Group, landing, type NavEntry } from "./pages";

const GROUPS: readonly Group[] = ["daily", "manage", "run"];
/** Entries of the bar on a phone; the others are behind *more*. */
const FIRST = 4;

/** Open items by page, shown as badges. */
export type Badges = Partial<Record<NavEntry["name"], number>>;

/** Beside the page, or below it on a phone. */
export function Navigation({ badges }: { badges: Badges }) {
  const isPhone = useBreadth() === "phone";
  return isPhone ? <BottomBar badges={badges} /> : <SideBar badges={badges} />;
}

function SideBar({ badges }: { badges: Badges }) {
  const t = useText(common);
  const { role } = useMe();
  const isNarrow = usePreferences().navigation === "narrow";
  const entries = entriesOf(role);
  return (
    <nav className={`${styles.side} ${isNarrow ? styles.narrow : ""}`} aria-label={t.nav.label}>
      {GROUPS.map(group => {
        const own = entries.filter(entry => entry.group === group);
        return (
          own.length > 0 && (
            <div key={group}>
              <h2 className={isNarrow ? "kam-hidden" : styles.group}>{t.nav[group]}</h2>
              <ul>
                {own.map(entry => (
                  <li key={entry.name}>
                    <Entry entry={entry} isNarrow={isNarrow} badge={badges[entry.name]} />
                  </li>
                ))}
              </ul>
            </div>
          )
        );
      })}
      <Button
        className={styles.fold}
        type="text"
        icon={isNarrow ? <MenuUnfoldOutlined /> : <MenuFoldOutlined />}
        aria-label={isNarrow ? t.nav.unfold : t.nav.fold}
        onClick={() => setPreferences({ navigation: isNarrow ? "wide" : "narrow" })}
      />
    </nav>
  );
}

function BottomBar({ badges }: { badges: Badges }) {
  const t = useText(common);
  const { role } = useMe();
  const [isOpen, setOpen] = useState(false);
  const entries = entriesOf(role);
  // The page of their day is never behind *more*.
  const home = entries.findIndex(entry => landing(role).startsWith(entry.path));
  const first = entries.filter((_, at) => (home < FIRST ? at < FIRST : at < FIRST - 1 || at === home));
  const rest = entries.filter(entry => !first.includes(entry));
  return (
    <nav className={styles.bottom} aria-label={t.nav.label}>
      <ul>
        {first.map(entry => (
          <li key={entry.name}>
            <Entry entry={entry} badge={badges[entry.name]} />
          </li>
        ))}
        {rest.length > 0 && (
          <li>
            <button type="button" className={styles.entry} aria-expanded={isOpen} onClick={() => setOpen(true)}>
              <Badge count={0}>
                <EllipsisOutlined aria-hidden />
              </Badge>
              <span className={styles.name}>{t.nav.more}</span>
            </button>
          </li>
        )}
      </ul>
      <Drawer title={t.nav.more} placement="bottom" open={isOpen} onClose={() => setOpen(false)} size={280}>
        <ul className={styles.more}>
          {rest.map(entry => (
            <li key={entry.name}>
              <Entry entry={entry} onFollow={() => setOpen(false)} />
            </li>
          ))}
        </ul>
      </Drawer>
    </nav>
  );
}

interface EntryProps {
  entry: NavEntry;
  isNarrow?: boolean;
  badge?: number;
  onFollow?: () => void;
}

function Entry({ entry, isNarrow, badge, onFollow }: EntryProps) {
  const t = useText(common);
  const { pathname } = useLocation();
  const Icon = entry.icon;
  const name = t.nav[entry.name];
  const isHere =
    pathname === entry.path ||
    pathname.startsWith(`${entry.path}/`) ||
    (entry.also !== undefined && pathname.startsWith(entry.also));
  return (
    <NavLink
      // The last filter of a list comes back; pressed on the page itself, it leads to the bare list.
      to={isHere ? entry.path : rememberedPath(entry.path)}
      className={({ isActive }) => `${styles.entry} ${isActive || isHere ? styles.active : ""}`}
      title={isNarrow ? name : undefined}
      onClick={onFollow}
    >
      <Badge count={isNarrow ? badge : 0} size="small" offset={[4, -2]}>
        <Icon aria-hidden />
      </Badge>
      <span className={isNarrow ? "kam-hidden" : styles.name}>{name}</span>
      {!isNarrow && badge ? <span className={styles.badge}>{badge > 999 ? "999+" : badge}</span> : null}
    </NavLink>
  );
}
