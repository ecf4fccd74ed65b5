import { Drawer, Popover } from "antd";
import { type ReactElement, useState } from "react";
import { Hold } from "@/components/Hold";
import { useBreadth } from "@/habits/element";
import { OverPage } from "@/habits/shortcuts";
import { useText } from "@/i18n";
import { type Actable, ActForm } from "./ActForm";
import styles from "./act.module.css";
import type { WorkChanged } from "./commands";
import { workText } from "./messages";

interface Props {
  item: Actable;
  /** What opens it on a click: the button 处理. */
  children: ReactElement;
  onDone?: (changed: WorkChanged) => void;
  /** Kept by the page where a key opens it too. */
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
}

/** Logging what was done, in two clicks, from wherever the item is seen: beside the button, on a phone from below. */
export function ActPopover({ item, children, onDone, open, onOpenChange }: Props) {
  const t = useText(workText);
  const isPhone = useBreadth() === "phone";
  const [isOpenHere, setOpenHere] = useState(false);
  const isOpen = open ?? isOpenHere;
  const setOpen = (next: boolean): void => {
    setOpenHere(next);
    onOpenChange?.(next);
  };
  const title = t.actLabel(item.customer_name || item.customer_id);
  const form = (
    <ActForm
      item={item}
      onDone={changed => {
        setOpen(false);
        onDone?.(changed);
      }}
      onCancel={() => setOpen(false)}
    />
  );
  if (isPhone) {
    return (
      <>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the button inside is what is pressed */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: as above */}
        <span onClick={() => setOpen(true)}>{children}</span>
        <Drawer placement="bottom" size="large" title={title} open={isOpen} onClose={() => setOpen(false)}>
          {isOpen && form}
        </Drawer>
      </>
    );
  }
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      title={title}
      open={isOpen}
      onOpenChange={setOpen}
      destroyOnHidden
      fresh // keys and focus are given back at once, not when it has faded out
      content={
        <OverPage isOpen={isOpen}>
          <div className={styles.popover}>
            {isOpen && <Hold onEscape={() => setOpen(false)} />}
            {form}
          </div>
        </OverPage>
      }
    >
      {children}
    </Popover>
  );
}
