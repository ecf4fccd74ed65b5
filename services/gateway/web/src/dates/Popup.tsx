import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import styles from "./datefield.module.css";

interface Props {
  label: string;
  /** What it stands under; it is in it as well, so that the focus goes from one to the other. */
  anchor: RefObject<HTMLElement | null>;
  /** Something outside was pressed. */
  onLeave: () => void;
  children: ReactNode;
}

/** Browsers before 2024 have no such layer: there it stands in front by its z-index. */
const HAS_LAYER = typeof HTMLElement.prototype.showPopover === "function";
const GAP = 4;
const EDGE = 8;

/**
 * A dialog beside a field. It stays where it is in the document, so that drawers and popovers around it keep the focus
 * and don't take a press in it for one outside; the browser draws it over everything. On a phone it comes from below.
 */
export function Popup({ label, anchor, onLeave, children }: Props) {
  const dialog = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = dialog.current;
    if (!element) {
      return;
    }
    if (HAS_LAYER && !element.matches(":popover-open")) {
      element.showPopover();
    }
    const place = (): void => {
      if (anchor.current) {
        stand(element, anchor.current.getBoundingClientRect());
      }
    };
    place();
    window.addEventListener("resize", place);
    window.addEventListener("scroll", place, true);
    return () => {
      window.removeEventListener("resize", place);
      window.removeEventListener("scroll", place, true);
    };
  }, [anchor]);
  const leave = useRef(onLeave);
  useEffect(() => {
    leave.current = onLeave;
  });
  useEffect(() => {
    const pressed = (event: PointerEvent): void => {
      if (!anchor.current?.contains(event.target as Node)) {
        leave.current();
      }
    };
    document.addEventListener("pointerdown", pressed, true);
    return () => document.removeEventListener("pointerdown", pressed, true);
  }, [anchor]);
  return (
    <div
      ref={dialog}
      popover={HAS_LAYER ? "manual" : undefined}
      role="dialog"
      aria-label={label}
      tabIndex={-1}
      className={styles.popup}
    >
      {children}
    </div>
  );
}

/** Under the field where there is room, else over it; never beyond the edge of the window. */
function stand(element: HTMLElement, at: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = element;
  const below = at.bottom + GAP;
  const top = below + height + EDGE <= window.innerHeight ? below : at.top - GAP - height;
  element.style.top = `${Math.max(EDGE, Math.min(top, window.innerHeight - height - EDGE))}px`;
  element.style.left = `${Math.max(EDGE, Math.min(at.left, window.innerWidth - width - EDGE))}px`;
}
