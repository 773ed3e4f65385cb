// Passkeys: the sign-in asks the browser for one (data-asks: where the question is to be had), and a person's own page has it make one
// (data-offer). Their forms are hidden until it is known that the browser can.

import { arrived, every, formData, one } from "./page.js";

async function used(form) {
  const answer = await fetch(form.dataset.asks, { method: "POST", body: formData() });
  if (!arrived(answer)) throw new Error(answer.status);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await answer.json());
  return navigator.credentials.get({ publicKey });
}

const made = (form) => navigator.credentials.create({
  publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(form.dataset.offer)),
});

async function answer(event) {
  event.preventDefault();
  const form = event.target;
  const told = one("[data-refused]", form);
  told.hidden = true;
  try {
    const found = await (form.dataset.offer ? made(form) : used(form));
    form.elements.answer.value = JSON.stringify(found.toJSON());
    form.submit();
  } catch (error) {
    // Whether somebody changed their mind, waited too long, or has none here is not told to pages.
    told.textContent = error.name === "InvalidStateError" ? told.dataset.known : told.dataset.refused;
    told.hidden = false;
  }
}

if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  every("[data-unknown]").forEach((words) => { words.hidden = true; });
  every("form[data-asks], form[data-offer]").forEach((form) => {
    form.hidden = false;
    form.addEventListener("submit", answer);
  });
}
