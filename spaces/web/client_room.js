/** What one does in a room besides hearing and speaking: each act is a message to the server. Part of the SDK. */
export class RoomActs extends EventTarget {
  /**
   * Any message of PROTOCOL.md, its `id` apart.
   *
   * @param {{type: string, [field: string]: unknown}} message
   * @returns {Promise<any>} the reply; rejects with ProblemError
   */
  send(message) {
    return Promise.reject(new Error(`nobody to tell ${message.type}`));
  }

  /** Brings somebody who asked on stage. @param {string} account */
  accept(account) {
    return this.send({ type: "hand.accept", account });
  }

  /** @param {string} account */
  decline(account) {
    return this.send({ type: "hand.decline", account });
  }

  /** Brings somebody down to the audience. @param {string} account */
  bringDown(account) {
    return this.send({ type: "speaker.remove", account });
  }

  /** Mutes somebody else; only they can unmute. @param {string} account */
  muteOther(account) {
    return this.send({ type: "speaker.mute", account });
  }

  /** Mutes everybody on stage but the host and oneself. */
  muteAll() {
    return this.send({ type: "stage.mute" });
  }

  /** Invites to the stage. @param {string} account @param {"speaker" | "cohost"} [role] */
  invite(account, role = "speaker") {
    return this.send({ type: "stage.invite", account, role });
  }

  /** @param {string} account */
  uninvite(account) {
    return this.send({ type: "stage.uninvite", account });
  }

  acceptInvitation() {
    return this.send({ type: "invitation.accept" });
  }

  declineInvitation() {
    return this.send({ type: "invitation.decline" });
  }

  /** Out now; may come back. @param {string} account */
  remove(account) {
    return this.send({ type: "account.remove", account });
  }

  /** Out now, and kept out of all Spaces of this creator. @param {string} account @param {string} [reason] */
  block(account, reason = "") {
    return this.send({ type: "account.block", account, reason });
  }

  /** @param {string} account */
  unblock(account) {
    return this.send({ type: "account.unblock", account });
  }

  /** Locked: nobody new comes in. @param {boolean} locked */
  lock(locked) {
    return this.send({ type: "space.lock", locked });
  }

  /** To a co-host. @param {string} account */
  handOver(account) {
    return this.send({ type: "space.hand_over", account });
  }

  /**
   * To the operators, about somebody here or the Space as a whole.
   *
   * @param {"abuse" | "spam" | "illegal" | "other"} reason
   * @param {{account?: string, detail?: string}} [about]
   */
  report(reason, { account, detail = "" } = {}) {
    return this.send({ type: "report", reason, account, detail });
  }

  start() {
    return this.send({ type: "space.start" });
  }

  end() {
    return this.send({ type: "space.end" });
  }
}
