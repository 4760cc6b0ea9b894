package client

// Code is a statuscode: what a reply's first key says of its outcome. TXN is
// success, TUP is pending, every other code is a failure.
type Code string

// The published table of codes: every one that a client may meet. A reply's
// message may be more specific than the meaning here.
const (
	CodeTXN Code = "TXN" // Transaction Successful
	CodeTUP Code = "TUP" // Transaction Under Process
	CodeIRA Code = "IRA" // Invalid Refill Amount
	CodeRBT Code = "RBT" // Refill Barred Temporarily
	CodeIAN Code = "IAN" // Invalid Account Number
	CodeIAB Code = "IAB" // Insufficient Wallet Balance
	CodeDTX Code = "DTX" // Duplicate Transaction
	CodeISE Code = "ISE" // System Error
	CodeIAT Code = "IAT" // Invalid Access Token
	CodeSPD Code = "SPD" // Service Provider Downtime
	CodeSPE Code = "SPE" // Service Provider Error
	CodeITI Code = "ITI" // Invalid Transaction ID
	CodeDTB Code = "DTB" // Denomination Temporarily Barred
	CodeTSU Code = "TSU" // Transaction Status Unavailable
	CodeISP Code = "ISP" // Invalid Service Provider
	CodeRPI Code = "RPI" // Request Parameters are Invalid or Incomplete
	CodeAAB Code = "AAB" // Account Blocked, Contact Helpdesk
	CodeANF Code = "ANF" // Account not found
	CodeUED Code = "UED" // Unknown Error Description, Contact Helpdesk
	CodeIEC Code = "IEC" // Invalid or Unknown Error Code
	CodeIRT Code = "IRT" // Invalid Response Type
	CodeIPE Code = "IPE" // Internal Processing Error
	CodeIAC Code = "IAC" // Invalid Dealer Credentials
	CodeUAD Code = "UAD" // User Access Denied
	CodeTRP Code = "TRP" // Transaction Refund Processed
	CodeTDE Code = "TDE" // Transaction Dispute Error, Contact Helpdesk
	CodeDLS Code = "DLS" // Dispute Logged Successfully
	CodeDID Code = "DID" // Duplicate Agent Transaction ID
	CodeOUI Code = "OUI" // Outlet Unauthorized or Inactive
	CodeODI Code = "ODI" // Outlet Data Incorrect
	CodeRNF Code = "RNF" // Remitter Not Found
	CodeRAR Code = "RAR" // Remitter Already Registered
	CodeUAR Code = "UAR" // User Already Registered
	CodeIVC Code = "IVC" // Invalid Verification Code or OTP
	CodeIUA Code = "IUA" // Invalid User Account - Outlet
	CodeSNA Code = "SNA" // Service not available
	CodeERR Code = "ERR" // Provider Failure
	CodeFAB Code = "FAB" // Failure at Bank end
	CodeUFC Code = "UFC" // Fare has been changed
	CodeOTP Code = "OTP" // OTP Successfully sent
	CodeEOP Code = "EOP" // OTP Expired
	CodeOLR Code = "OLR" // OTP limit reached
	CodeONV Code = "ONV" // OTP not valid
	CodeRAB Code = "RAB" // Remitter Blocked
	CodeVCI Code = "VCI" // Version Compatibility Issue
	CodeOUE Code = "OUE" // Unknown Method
	CodeKYC Code = "KYC" // KYC is mandatory to avail this service
	CodeUSM Code = "USM" // Under Scheduled Maintenance
	CodeCNL Code = "CNL" // Currently Not Live
)

// Success tells whether the call was done.
func (c Code) Success() bool { return c == CodeTXN }

// Pending tells whether the outcome is still open: neither done nor failed.
func (c Code) Pending() bool { return c == CodeTUP }

// Meaning is the code's general meaning in the published table; "" for a code
// that is not in it.
func (c Code) Meaning() string { return meanings[c] }

var meanings = map[Code]string{
	CodeTXN: "Transaction Successful",
	CodeTUP: "Transaction Under Process",
	CodeIRA: "Invalid Refill Amount",
	CodeRBT: "Refill Barred Temporarily",
	CodeIAN: "Invalid Account Number",
	CodeIAB: "Insufficient Wallet Balance",
	CodeDTX: "Duplicate Transaction",
	CodeISE: "System Error",
	CodeIAT: "Invalid Access Token",
	CodeSPD: "Service Provider Downtime",
	CodeSPE: "Service Provider Error",
	CodeITI: "Invalid Transaction ID",
	CodeDTB: "Denomination Temporarily Barred",
	CodeTSU: "Transaction Status Unavailable",
	CodeISP: "Invalid Service Provider",
	CodeRPI: "Request Parameters are Invalid or Incomplete",
	CodeAAB: "Account Blocked, Contact Helpdesk",
	CodeANF: "Account not found",
	CodeUED: "Unknown Error Description, Contact Helpdesk",
	CodeIEC: "Invalid or Unknown Error Code",
	CodeIRT: "Invalid Response Type",
	CodeIPE: "Internal Processing Error",
	CodeIAC: "Invalid Dealer Credentials",
	CodeUAD: "User Access Denied",
	CodeTRP: "Transaction Refund Processed",
	CodeTDE: "Transaction Dispute Error, Contact Helpdesk",
	CodeDLS: "Dispute Logged Successfully",
	CodeDID: "Duplicate Agent Transaction ID",
	CodeOUI: "Outlet Unauthorized or Inactive",
	CodeODI: "Outlet Data Incorrect",
	CodeRNF: "Remitter Not Found",
	CodeRAR: "Remitter Already Registered",
	CodeUAR: "User Already Registered",
	CodeIVC: "Invalid Verification Code or OTP",
	CodeIUA: "Invalid User Account - Outlet",
	CodeSNA: "Service not available",
	CodeERR: "Provider Failure",
	CodeFAB: "Failure at Bank end",
	CodeUFC: "Fare has been changed",
	CodeOTP: "OTP Successfully sent",
	CodeEOP: "OTP Expired",
	CodeOLR: "OTP limit reached",
	CodeONV: "OTP not valid",
	CodeRAB: "Remitter Blocked",
	CodeVCI: "Version Compatibility Issue",
	CodeOUE: "Unknown Method",
	CodeKYC: "KYC is mandatory to avail this service",
	CodeUSM: "Under Scheduled Maintenance",
	CodeCNL: "Currently Not Live",
}
