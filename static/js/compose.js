"use strict";

// Drafts save themselves. What cannot be saved is kept on this computer and offered when the draft is opened again.
(() => {
  const form = document.getElementById("compose");
  if (!form) return;
  const QUIET_MS = 2000;
  const LONGEST_MS = 5000;
  const RETRY_MS = 10000;
  const status = document.getElementById("save-status");
  const problems = document.getElementById("save-problems");
  const keepAs = form.dataset.keep;
  const html = form.elements.body_html;
  const subject = form.elements.subject;
  let editor = null;
  let timer = 0;
  let firstChange = 0;
  let saving = null;
  let isWaiting = false;
  let isStopped = false;
  let leavingWith = null;

  // --- what the form says ---------------------------------------------------------------------------------
  const read = () => ({
    broadcast_type: form.elements.broadcast_type.value,
    sender: form.elements.sender.value,
    lists: [...form.querySelectorAll("input[name=lists]:checked")].map((box) => box.value),
    subject: subject.value,
    body_html: html.value,
    body_text: form.elements.body_text.value,
  });

  const write = (fields) => {
    for (const name of ["broadcast_type", "sender", "subject", "body_html", "body_text"]) {
      form.elements[name].value = fields[name] ?? "";
    }
    for (const box of form.querySelectorAll("input[name=lists]")) box.checked = (fields.lists || []).includes(box.value);
    editor?.commands.setContent(fields.body_html ?? "");
  };

  // --- keeping it here ------------------------------------------------------------------------------------
  const keep = (extra = {}) => {
    try {
      const kept = { fields: read(), version: Number(form.elements.version.value), at: Date.now(), ...extra };
      localStorage.setItem(keepAs, JSON.stringify(kept));
    } catch {
      // A full or forbidden store: the server's copy is all there is.
    }
  };
  const forget = () => {
    try {
      localStorage.removeItem(keepAs);
    } catch {
      // As above.
    }
  };
  const findKept = () => {
    try {
      return JSON.parse(localStorage.getItem(keepAs));
    } catch {
      return null;
    }
  };

  // In words: a clock time would be this computer's, and the page shows the school's.
  const ago = (at, momentAgo) => {
    const minutes = Math.floor((Date.now() - at) / 60_000);
    if (!(minutes >= 1)) return momentAgo;
    const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en");
    if (minutes < 60) return words.format(-minutes, "minute");
    if (minutes < 60 * 24) return words.format(-Math.floor(minutes / 60), "hour");
    return words.format(-Math.floor(minutes / 60 / 24), "day");
  };

  const offerKept = () => {
    const kept = findKept();
    if (!kept?.fields) return;
    const wasSubmitted = kept.submitted && Number(form.elements.version.value) > kept.version;
    const isSame = JSON.stringify(kept.fields) === JSON.stringify(read());
    if (wasSubmitted || (isSame && !("unsaved" in form.dataset))) return forget();
    if (isSame) return;
    const notice = document.getElementById("restore");
    const words = notice.querySelector("[data-words]");
    words.textContent = words.dataset.words.replace("{time}", ago(kept.at, words.dataset.momentAgo));
    notice.hidden = false;
    notice.querySelector("[data-restore]").addEventListener("click", () => {
      notice.hidden = true;
      write(kept.fields);
      changed();
      subject.focus();
    });
    notice.querySelector("[data-discard]").addEventListener("click", () => {
      notice.hidden = true;
      forget();
      subject.focus();
    });
  };

  // --- saving ---------------------------------------------------------------------------------------------
  const say = (words) => {
    if (status.textContent !== words) status.textContent = words;
  };
  const showProblems = (reasons) => {
    problems.replaceChildren(
      ...reasons.map((reason) => Object.assign(document.createElement("li"), { textContent: reason })),
    );
    problems.hidden = reasons.length === 0;
  };

  const answer = async (response) => {
    if (response.redirected || response.status === 403) return say(status.dataset.signedOut);
    if (response.status === 404) {
      isStopped = true;
      return say(status.dataset.gone);
    }
    const isJson = response.headers.get("Content-Type")?.includes("json");
    if (!isJson) throw new Error(`The server answered ${response.status}.`);
    const said = await response.json();
    if (response.status === 409) {
      isStopped = true;
      say(`${said.message} ${status.dataset.kept}`);
    } else {
      showProblems(said.problems || []);
      if (!response.ok) return;
      form.elements.version.value = said.version;
      say(said.saved);
      // Only what is still the same is safe on the server.
      if (!timer && !isWaiting) forget();
      else keep();
    }
  };

  // Files are sent with a button, once, and not with every word.
  const withoutFiles = () => {
    const data = new FormData(form);
    for (const name of ["new_files", "picture", "picture_words", "picture_id"]) data.delete(name);
    return data;
  };

  const save = async () => {
    clearTimeout(timer);
    timer = 0;
    firstChange = 0;
    if (isStopped) return;
    try {
      await answer(
        await fetch(form.dataset.autosave, {
          method: "POST",
          body: withoutFiles(),
          headers: { Accept: "application/json" },
        }),
      );
    } catch {
      say(status.dataset.offline);
      timer ||= setTimeout(start, RETRY_MS);
    }
  };

  // One request at a time: the second would name a version that the first has just replaced.
  const start = () => {
    if (saving) {
      isWaiting = true;
      return;
    }
    isWaiting = false;
    saving = save().finally(() => {
      saving = null;
      if (leavingWith) form.requestSubmit(leavingWith);
      else if (isWaiting) start();
    });
  };
  const schedule = () => {
    clearTimeout(timer);
    const left = LONGEST_MS - 500 - (Date.now() - firstChange);
    timer = setTimeout(start, Math.max(0, Math.min(QUIET_MS, left)));
  };
  const changed = () => {
    firstChange ||= Date.now();
    keep();
    schedule();
  };

  const isOfFiles = (field) => field.type === "file" || field.name === "picture_words";
  form.addEventListener("input", (event) => {
    if (event.target.name && !isOfFiles(event.target)) changed();
  });
  form.addEventListener("change", (event) => {
    if (event.target.name && !isOfFiles(event.target)) changed();
  });
  window.addEventListener("online", start);
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (saving) {
      event.preventDefault();
      leavingWith = event.submitter;
      return;
    }
    isStopped = true;
    if (event.submitter?.value === "picture") placePicture();
    keep({ submitted: true });
  });

  // --- a picture where one last typed ---------------------------------------------------------------------
  // A mark is typed there, and becomes the picture in what is sent: the file has no address before it arrives.
  const placePicture = () => {
    const { picture, picture_words: words, picture_id: id } = form.elements;
    // Without a secure connection browsers make no ids; then it goes to the end, as without JavaScript.
    if (!editor || !picture.files.length || !words.value.trim() || !window.crypto?.randomUUID) return;
    id.value = crypto.randomUUID();
    const mark = `[picture ${id.value}]`;
    editor.commands.insertContent(mark);
    // In a document of its own: in this one the browser would fetch it at once.
    const tag = document.implementation.createHTMLDocument("").createElement("img");
    tag.setAttribute("src", form.dataset.pictures.replace("00000000-0000-0000-0000-000000000000", id.value));
    tag.setAttribute("alt", words.value.trim());
    html.value = editor.getHTML().replace(mark, () => tag.outerHTML);
  };

  // --- inserting fields -----------------------------------------------------------------------------------
  let wasInSubject = false;
  form.addEventListener("focusin", (event) => {
    if (event.target === subject) wasInSubject = true;
    else if (event.target === html || event.target.closest(".prose-editor")) wasInSubject = false;
  });
  const insert = (code) => {
    if (editor && !wasInSubject) {
      editor.chain().focus().insertContent(code).run();
      return;
    }
    const target = wasInSubject ? subject : html;
    target.setRangeText(code, target.selectionStart, target.selectionEnd, "end");
    target.focus();
    target.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const choice = document.getElementById("merge-field");
  document.getElementById("insert-field").hidden = false;
  document.getElementById("fields-as-text").hidden = true;
  choice.addEventListener("change", () => {
    if (choice.value) insert(choice.value);
    choice.value = "";
  });

  form.addEventListener("prose-editor:ready", (event) => {
    editor = event.detail.editor;
    const label = form.querySelector(`label[for="${html.id}"]`);
    editor.view.dom.setAttribute("aria-label", label ? label.textContent.trim() : "");
    if (html.getAttribute("aria-describedby")) {
      editor.view.dom.setAttribute("aria-describedby", html.getAttribute("aria-describedby"));
    }
    label?.addEventListener("click", () => editor.commands.focus());
  });

  if (!status.textContent.trim()) say(status.dataset.ready);
  offerKept();
})();
