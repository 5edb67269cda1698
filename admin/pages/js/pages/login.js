// The login: over everything, so that what was typed below it stays.
import { el, fill, icon } from "../dom.js";
import { say, sayCode } from "../speak.js";
import { login } from "../api.js";
import { countdown } from "../format.js";
import { field } from "../parts.js";

export function showLogin(box, done, why) {
  const token = el("input.input", { type: "password", name: "token", autocomplete: "current-password", required: true, "aria-describedby": "login-wrong" });
  const wrong = el("p.wrong", { id: "login-wrong", role: "alert" }, why), enter = el("button.button.primary", { type: "submit" }, say("log_in"));
  let timer = 0;
  function lock(ms) {
    const end = Date.now() + ms;
    const tick = () => {
      const left = end - Date.now();
      enter.disabled = left > 0;
      wrong.textContent = left > 0 ? say("login_wait", { time: countdown(left) }) : "";
      if (left <= 0) clearInterval(timer);
    };
    clearInterval(timer);
    timer = setInterval(tick, 500);
    tick();
  }
  async function submit(event) {
    event.preventDefault();
    if (enter.disabled) return;
    enter.disabled = true;
    wrong.textContent = "";
    try {
      await login(token.value);
      clearInterval(timer);
      done();
    } catch (fault) {
      enter.disabled = false;
      if (fault.status === 429) lock(fault.retryMs || 30000);
      else wrong.textContent = sayCode("fault", fault.code);
      token.select();
      token.focus();
    }
  }
  fill(box, el("main.login", null, el("form", { onsubmit: submit }, el("div.brand", null, el("span", null, icon("mark")), say("product")), el("h1", null, say("login_title")),
    field("token", say("admin_token"), token, say("login_hint")), wrong, enter)));
  token.focus();
}
