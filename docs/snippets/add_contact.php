<?php
// Adds a contact with a tag to a contact book, looks it up again and prints its id.
//
// Reads CONTACTBOOK_URL, CONTACTBOOK_CLIENT_ID and CONTACTBOOK_CLIENT_SECRET.
// Needs PHP 7.4 or newer with its curl extension.

declare(strict_types=1);

function env(string $name): string
{
    return getenv($name) ?: exit_with("set $name");
}

function exit_with(string $message): string
{
    fwrite(STDERR, $message . "\n");
    exit(1);
}

function call(string $method, string $path, ?array $fields = null)
{
    $curl = curl_init();
    curl_setopt_array($curl, [
        CURLOPT_URL => rtrim(env('CONTACTBOOK_URL'), '/') . $path,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 30,
        CURLOPT_CUSTOMREQUEST => $method, // a GET may have a body, too
        CURLOPT_HTTPHEADER => [
            'X-Ipay-Auth-Code: 1',
            'X-Ipay-Client-Id: ' . env('CONTACTBOOK_CLIENT_ID'),
            'X-Ipay-Client-Secret: ' . env('CONTACTBOOK_CLIENT_SECRET'),
            'X-Ipay-Endpoint-Ip: 203.0.113.7', // your end customer's address
            'Content-Type: application/json',
        ],
    ]);
    if ($fields !== null) {
        curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($fields));
    }
    $body = curl_exec($curl);
    if ($body === false) {
        exit_with(curl_error($curl));
    }
    $reply = json_decode($body, true);
    if (!isset($reply['statuscode'])) {
        exit_with('not a reply of the API: HTTP ' . curl_getinfo($curl, CURLINFO_RESPONSE_CODE));
    }
    if ($reply['statuscode'] !== 'TXN') { // refusals have HTTP status 200 too
        exit_with("{$reply['statuscode']} {$reply['status']} ({$reply['ipay_uuid']})");
    }
    return $reply['data'];
}

// A tag's name is unique: take the one that is there, or add it.
$tags = array_column(call('GET', '/contacts/tag'), '_id', 'name');
$tagId = $tags['Employee']
    ?? call('POST', '/contacts/tag', ['name' => 'Employee', 'hexColorCode' => '#FF1934'])['_id'];

$contact = call('POST', '/contacts/profile', [
    'name' => 'Sample Name',
    'email' => 'sample@example.com',
    'mobile' => '7428585742',
    'companyName' => 'Business Name',
    'tagDetails' => [['tagId' => $tagId]],
]);

$listed = call('GET', '/contacts/profile', ['contactId' => $contact['_id']]);
if (!in_array($contact['_id'], array_column($listed, '_id'), true)) {
    exit_with('the contact is not listed');
}
echo $contact['_id'], "\n";
