// The token that every request needs. It comes behind the # of the address that the editor printed,
// which browsers send to nobody, and is kept in this browser for this address and port alone. (A
// cookie would go to every server of the same host, whatever its port.)

import { recall, remember } from "./drafts.js";

const given = () => new URLSearchParams(location.hash.slice(1)).get("token");

export const token = given() ?? recall("token") ?? "";

if (given() !== null) {
  remember("token", token);
  history.replaceState(null, "", "/"); // neither in bookmarks nor over one's shoulder
}

// An address that differs only behind the # loads nothing: that of an editor that was started anew.
addEventListener("hashchange", () => given() !== null && location.reload());
