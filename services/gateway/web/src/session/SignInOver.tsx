import { Button, Modal } from "antd";
import { useState } from "react";
import { useText } from "@/i18n";
import type { Me } from "./api";
import { signInText } from "./messages";
import { SignInForm } from "./SignInForm";
import { SingleSignOn } from "./SingleSignOn";

interface Props {
  me: Me;
  onSignedIn: (me: Me) => void;
}

/** Over the page when the session has ended: what was being written stays where it is, and goes on afterwards. */
export default function SignInOver({ me, onSignedIn }: Props) {
  const t = useText(signInText);
  const [staffNo, setStaffNo] = useState(me.staff_no);
  const [password, setPassword] = useState("");
  return (
    <Modal open closable={false} keyboard={false} footer={null} title={t.again} width={400} zIndex={3000}>
      <SignInForm
        fixed
        staffNo={staffNo}
        onStaffNo={setStaffNo}
        password={password}
        onPassword={setPassword}
        onSignedIn={onSignedIn}
      />
      <SingleSignOn next={location.pathname + location.search} />
      <Button type="link" block href={`/signin?next=${encodeURIComponent(location.pathname + location.search)}`}>
        {t.another}
      </Button>
    </Modal>
  );
}
