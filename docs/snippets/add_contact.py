"""Adds a contact with a tag to a contact book, looks it up again and prints its id.

Reads CONTACTBOOK_URL, CONTACTBOOK_CLIENT_ID and CONTACTBOOK_CLIENT_SECRET.
Needs Python 3.8 and nothing else.
"""

import json
import os
import sys
import urllib.request

BASE = os.environ["CONTACTBOOK_URL"].rstrip("/")
HEADERS = {
    "X-Ipay-Auth-Code": "1",
    "X-Ipay-Client-Id": os.environ["CONTACTBOOK_CLIENT_ID"],
    "X-Ipay-Client-Secret": os.environ["CONTACTBOOK_CLIENT_SECRET"],
    "X-Ipay-Endpoint-Ip": "203.0.113.7",  # your end customer's address
    "Content-Type": "application/json",
}


def call(method, path, fields=None):
    body = None if fields is None else json.dumps(fields).encode()
    request = urllib.request.Request(BASE + path, data=body, headers=HEADERS, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        reply = json.load(response)
    if reply["statuscode"] != "TXN":  # refusals have HTTP status 200 too
        sys.exit("{statuscode} {status} ({ipay_uuid})".format(**reply))
    return reply["data"]


# A tag's name is unique: take the one that is there, or add it.
tags = {tag["name"]: tag["_id"] for tag in call("GET", "/contacts/tag")}
if "Employee" not in tags:
    tags["Employee"] = call("POST", "/contacts/tag", {"name": "Employee", "hexColorCode": "#FF1934"})["_id"]

contact = call("POST", "/contacts/profile", {
    "name": "Sample Name",
    "email": "sample@example.com",
    "mobile": "7428585742",
    "companyName": "Business Name",
    "tagDetails": [{"tagId": tags["Employee"]}],
})

# The fields of a GET stand in its body.
listed = call("GET", "/contacts/profile", {"contactId": contact["_id"]})
if contact["_id"] not in [c["_id"] for c in listed]:
    sys.exit("the contact is not listed")
print(contact["_id"])
