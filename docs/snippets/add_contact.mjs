// Adds a contact with a tag to a contact book, looks it up again and prints its id.
//
// Reads CONTACTBOOK_URL, CONTACTBOOK_CLIENT_ID and CONTACTBOOK_CLIENT_SECRET.
// Needs Node 18 or newer and nothing else.

const env = (name) => {
  if (!process.env[name]) throw new Error(`set ${name}`);
  return process.env[name];
};
const base = env('CONTACTBOOK_URL').replace(/\/+$/, '');
const headers = {
  'X-Ipay-Auth-Code': '1',
  'X-Ipay-Client-Id': env('CONTACTBOOK_CLIENT_ID'),
  'X-Ipay-Client-Secret': env('CONTACTBOOK_CLIENT_SECRET'),
  'X-Ipay-Endpoint-Ip': '203.0.113.7', // your end customer's address
  'Content-Type': 'application/json',
};

async function call(method, path, fields) {
  let url = base + path;
  const options = { method, headers, redirect: 'error', signal: AbortSignal.timeout(30_000) };
  if (method === 'GET') {
    // fetch sends no body with a GET: its fields stand in the query.
    if (fields) url += '?' + new URLSearchParams(fields);
  } else {
    options.body = JSON.stringify(fields);
  }
  const reply = await (await fetch(url, options)).json();
  if (reply.statuscode !== 'TXN') { // refusals have HTTP status 200 too
    throw new Error(`${reply.statuscode} ${reply.status} (${reply.ipay_uuid})`);
  }
  return reply.data;
}

// A tag's name is unique: take the one that is there, or add it.
const tags = await call('GET', '/contacts/tag');
const tag = tags.find((t) => t.name === 'Employee')
  ?? await call('POST', '/contacts/tag', { name: 'Employee', hexColorCode: '#FF1934' });

const contact = await call('POST', '/contacts/profile', {
  name: 'Sample Name',
  email: 'sample@example.com',
  mobile: '7428585742',
  companyName: 'Business Name',
  tagDetails: [{ tagId: tag._id }],
});

const listed = await call('GET', '/contacts/profile', { contactId: contact._id });
if (!listed.some((c) => c._id === contact._id)) throw new Error('the contact is not listed');
console.log(contact._id);
