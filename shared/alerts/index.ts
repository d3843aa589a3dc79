export {
  type Alert,
  AlertReason,
  type RatioReason,
  type SigmaReason,
  type StoredAlert,
  type VelocityReason,
} from "./alert.ts";
export { type AlertChange, decodeAlertChange } from "./decode.ts";
export { describeReason, formatAlert } from "./format.ts";
export { type AlertMessage, alertMessage } from "./message.ts";
