// What the parts of the page share: what is chosen, what the sandbox said of itself, and who wants to know of a change.

export const state = {
  overview: null, // the answer of /_sandbox/overview
  phones: [], // the answer of /_sandbox/phones
  phone: null, // the SID of the chosen phone
  peer: null, // the chosen conversation
  name: "", // how its peer spells itself
  contact: "", // who that is in the phone's contacts; empty for nobody
  message: null, // the GUID of the message or call whose details are shown
};

const target = new EventTarget();

/**
 * Call `listener(detail)` whenever `topic` is told: overview, phones, phone, peer, name, opened, message, view, tab, show,
 * row, clock, reading.
 */
export function on(topic, listener) {
  target.addEventListener(topic, (event) => listener(event.detail));
}

export function tell(topic, detail) {
  target.dispatchEvent(new CustomEvent(topic, { detail }));
}

/** The chosen phone. */
export const phone = () => state.phones.find((each) => each.sid === state.phone) ?? null;

export function choosePhone(sid) {
  if (sid === state.phone) return;
  state.phone = sid;
  choosePeer(null);
  tell("phone");
}

/** Open a conversation; null closes it. `how` may say the contact, where the focus goes, and which entry is wanted. */
export function choosePeer(peer, name = "", how = {}) {
  Object.assign(state, { peer, name, contact: how.contact ?? "" });
  tell("peer", how);
}

/** Show the details of a message or call; null closes them. */
export function chooseMessage(guid) {
  state.message = guid;
  tell("message");
}
