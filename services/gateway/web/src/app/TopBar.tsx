import { BgColorsOutlined, TranslationOutlined, UserOutlined } from "@ant-design/icons";
import { Button, Popover, Segmented } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";
import { Freshness } from "@/components/Freshness";
import { setPreferences, usePreferences } from "@/habits/preferences";
import { common, useText, word } from "@/i18n";
import { JobsButton } from "@/jobs/JobsButton";
import { ReleasesButton } from "@/releases/ReleasesButton";
import { useMe, useSession } from "@/session/session";
import { hasLive } from "./pages";
import { SearchBox } from "./SearchBox";
import styles from "./topbar.module.css";

export function TopBar({ businessDay }: { businessDay?: string }) {
  const t = useText(common);
  const { language } = usePreferences();
  return (
    <header className={styles.bar}>
      <SearchBox />
      {businessDay && (
        <span className={styles.day} title={t.top.businessDate(businessDay)}>
          <span className={styles.dayWord}>{t.top.businessDay} </span>
          {businessDay}
        </span>
      )}
      <div className={styles.tools}>
        {hasLive(useMe().role) && <Freshness />}
        <ReleasesButton />
        <JobsButton />
        <Button
          type="text"
          icon={<TranslationOutlined aria-hidden />}
          lang={language === "zh" ? "en" : "zh-CN"}
          onClick={() => setPreferences({ language: language === "zh" ? "en" : "zh" })}
        >
          <span className={styles.wide}>{t.top.language}</span>
        </Button>
        <Looks />
        <Me />
      </div>
    </header>
  );
}

/** Light or dark, height of rows, shortcuts. */
function Looks() {
  const t = useText(common);
  const { theme, density, shortcuts } = usePreferences();
  const content = (
    <div className={styles.menu}>
      <Segmented
        block
        aria-label={t.top.theme.label}
        value={theme}
        onChange={next => setPreferences({ theme: next })}
        options={(["light", "dark", "auto"] as const).map(value => ({ value, label: t.top.theme[value] }))}
      />
      <Segmented
        block
        aria-label={t.top.density.normal}
        value={density}
        onChange={next => setPreferences({ density: next })}
        options={(["normal", "compact"] as const).map(value => ({ value, label: t.top.density[value] }))}
      />
      <Button block type="text" aria-pressed={shortcuts} onClick={() => setPreferences({ shortcuts: !shortcuts })}>
        {shortcuts ? t.top.shortcutsOn : t.top.shortcutsOff}
      </Button>
    </div>
  );
  return (
    <Popover trigger="click" placement="bottomRight" content={content}>
      <Button type="text" icon={<BgColorsOutlined aria-hidden />} aria-label={t.top.theme.label} />
    </Popover>
  );
}

function Me() {
  const t = useText(common);
  const { me, signOut } = useSession();
  const navigate = useNavigate();
  const [isLeaving, setLeaving] = useState(false);
  const [isOpen, setOpen] = useState(false);
  if (!me) {
    return null;
  }
  const leave = (everywhere: boolean): void => {
    setLeaving(true);
    signOut(everywhere).catch(() => setLeaving(false));
  };
  const content = (
    <div className={styles.menu}>
      <div>
        <strong>{me.name ?? me.staff_no}</strong>
        <div className="kam-secondary kam-small">
          {me.staff_no} · {word(t.role, me.role)}
        </div>
      </div>
      <Button
        block
        type="text"
        onClick={() => {
          setOpen(false);
          void navigate("/notices");
        }}
      >
        {t.top.notices}
      </Button>
      <Button block type="text" href="/signin?change">
        {t.top.changePassword}
      </Button>
      <Button block type="text" loading={isLeaving} onClick={() => leave(false)}>
        {t.top.signOut}
      </Button>
      <Button block type="text" disabled={isLeaving} onClick={() => leave(true)}>
        {t.top.signOutEverywhere}
      </Button>
    </div>
  );
  return (
    <Popover trigger="click" placement="bottomRight" content={content} open={isOpen} onOpenChange={setOpen}>
      <Button type="text" icon={<UserOutlined aria-hidden />} title={t.top.me}>
        <span className={styles.wide}>{me.name ?? me.staff_no}</span>
      </Button>
    </Popover>
  );
}
