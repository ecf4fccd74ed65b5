import { useText, word } from "@/i18n";
import { unitOptions } from "@/lists/placeControls";
import { useUnits } from "@/places/units";
import { useMe } from "@/session/session";
import { unitOf } from "./fields";
import { todayText } from "./messages";
import styles from "./today.module.css";

/** Whose day it is: all that the person sees, or a unit of it. Words alone where there is nothing to choose. */
export function ScopeSelect({ scope, onScope }: { scope: string; onScope: (scope: string) => void }) {
  const t = useText(todayText);
  const { role } = useMe();
  const { data = [] } = useUnits();
  const unit = unitOf(scope);
  const whole = role in t.scope ? word(t.scope, role) : t.all;
  if (data.length < 2 && !unit) {
    return <b>{whole}</b>;
  }
  const options = unitOptions(data);
  return (
    <select
      className={styles.sort}
      aria-label={t.whose}
      value={unit ? scope : "me"}
      onChange={event => onScope(event.target.value)}
    >
      <option value="me">{whole}</option>
      {unit && !options.some(({ value }) => value === unit) && <option value={scope}>{t.ofUnit(unit)}</option>}
      {options.map(({ value, label }) => (
        <option key={value} value={`unit:${value}`}>
          {label}
        </option>
      ))}
    </select>
  );
}
