import { Button, type ButtonProps } from "antd";
import { useHref, useNavigate } from "react-router";
import styles from "./linkbutton.module.css";

/** A link that looks like a button: it leads to another page of ours, in another tab too. */
export function LinkButton({ to, ...props }: Omit<ButtonProps, "href" | "onClick"> & { to: string }) {
  const href = useHref(to);
  const navigate = useNavigate();
  return (
    <Button
      {...props}
      className={styles.button}
      href={href}
      onClick={event => {
        if (!(event.metaKey || event.ctrlKey || event.shiftKey)) {
          event.preventDefault();
          void navigate(to);
        }
      }}
    />
  );
}
