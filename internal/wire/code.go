package wire

// Code is a statuscode: what a reply's first key says of its outcome. TXN is
// success, TUP is pending, every other code is a failure.
type Code string

// The codes that this server answers. Meanings has the whole published table.
const (
	TXN Code = "TXN"
	TUP Code = "TUP"
	IAN Code = "IAN"
	DTX Code = "DTX"
	FAB Code = "FAB"
	RPI Code = "RPI"
	IAC Code = "IAC"
	AAB Code = "AAB"
	ERR Code = "ERR"
	SNA Code = "SNA"
	SPD Code = "SPD"
	OUE Code = "OUE"
	ISE Code = "ISE"
	UAD Code = "UAD"
)

// Meanings is the published table: every code that a client may meet, with its
// general meaning. A reply's status may be more specific.
var Meanings = map[Code]string{
	"TXN": "Transaction Successful",
	"TUP": "Transaction Under Process",
	"IRA": "Invalid Refill Amount",
	"RBT": "Refill Barred Temporarily",
	"IAN": "Invalid Account Number",
	"IAB": "Insufficient Wallet Balance",
	"DTX": "Duplicate Transaction",
	"ISE": "System Error",
	"IAT": "Invalid Access Token",
	"SPD": "Service Provider Downtime",
	"SPE": "Service Provider Error",
	"ITI": "Invalid Transaction ID",
	"DTB": "Denomination Temporarily Barred",
	"TSU": "Transaction Status Unavailable",
	"ISP": "Invalid Service Provider",
	"RPI": "Request Parameters are Invalid or Incomplete",
	"AAB": "Account Blocked, Contact Helpdesk",
	"ANF": "Account not found",
	"UED": "Unknown Error Description, Contact Helpdesk",
	"IEC": "Invalid or Unknown Error Code",
	"IRT": "Invalid Response Type",
	"IPE": "Internal Processing Error",
	"IAC": "Invalid Dealer Credentials",
	"UAD": "User Access Denied",
	"TRP": "Transaction Refund Processed",
	"TDE": "Transaction Dispute Error, Contact Helpdesk",
	"DLS": "Dispute Logged Successfully",
	"DID": "Duplicate Agent Transaction ID",
	"OUI": "Outlet Unauthorized or Inactive",
	"ODI": "Outlet Data Incorrect",
	"RNF": "Remitter Not Found",
	"RAR": "Remitter Already Registered",
	"UAR": "User Already Registered",
	"IVC": "Invalid Verification Code or OTP",
	"IUA": "Invalid User Account - Outlet",
	"SNA": "Service not available",
	"ERR": "Provider Failure",
	"FAB": "Failure at Bank end",
	"UFC": "Fare has been changed",
	"OTP": "OTP Successfully sent",
	"EOP": "OTP Expired",
	"OLR": "OTP limit reached",
	"ONV": "OTP not valid",
	"RAB": "Remitter Blocked",
	"VCI": "Version Compatibility Issue",
	"OUE": "Unknown Method",
	"KYC": "KYC is mandatory to avail this service",
	"USM": "Under Scheduled Maintenance",
	"CNL": "Currently Not Live",
}
